//! Plays the Job controller and the pods: Jobs begin, go on and end, and the pods of plan and collect leave their messages.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{Api, key};
use super::objects::Patch;

const JOBS: &str = "batch/v1/jobs";
const STEP: &str = "scoring.fleetscore.io/step";
/// How often it looks at the Jobs.
const TICK: Duration = Duration::from_millis(50);
/// In how many steps a score Job scores its pods.
const STEPS: u64 = 10;

/// What the pods say, and what was seen of the Jobs.
pub struct JobController {
    api: Api,
    /// The message of the plan's pod.
    pub plan: Value,
    /// The message of the report's pod.
    pub totals: Value,
    /// Whether suspended Jobs are let go on, as Kueue does once it has room.
    pub admits: bool,
    /// The most pods that score Jobs were allowed at a time.
    pub most_pods: u64,
    /// The most score Jobs that were there and had not ended.
    pub most_jobs: usize,
}

impl JobController {
    /// One that plays for a run of so many sensors, one a pod.
    pub fn new(api: &Api, sensors: u64) -> Self {
        Self {
            api: api.clone(),
            plan: json!({"sensors": sensors, "shards": sensors}),
            totals: json!({
                "phase": "Succeeded", "sensors": sensors, "succeeded": sensors, "failed": 0,
                "rows": sensors * 60, "anomalies": 7, "mostlyAnomalous": 2, "report": "az://predictions/pumps/_run/report.html",
            }),
            admits: false,
            most_pods: 0,
            most_jobs: 0,
        }
    }

    /// Plays until `done`, for a minute at most.
    pub async fn play(&mut self, mut done: impl FnMut(&Api) -> bool) {
        let mut tick = tokio::time::interval(TICK);
        for _ in 0..Duration::from_mins(1).as_millis() / TICK.as_millis() {
            if done(&self.api) {
                return;
            }
            self.step();
            tick.tick().await;
        }
        panic!("the run does not get there within a minute");
    }

    /// Every Job goes on by one step.
    fn step(&mut self) {
        let jobs = self.api.with(|objects| objects.list(JOBS, None));
        let running = || {
            let score = jobs
                .iter()
                .filter(|job| job["metadata"]["labels"][STEP] == "score");
            score.filter(|job| job["status"]["conditions"].is_null())
        };
        self.most_jobs = self.most_jobs.max(running().count());
        let pods = running()
            .filter_map(|job| job["spec"]["parallelism"].as_u64())
            .sum();
        self.most_pods = self.most_pods.max(pods);
        for job in jobs
            .iter()
            .filter(|job| job["status"]["conditions"].is_null())
        {
            if job["spec"]["suspend"] != true {
                self.go_on(job);
            } else if self.admits {
                self.patch(job, false, json!({"spec": {"suspend": false}}));
            }
        }
    }

    fn go_on(&self, job: &Value) {
        let (spec, mut status) = (&job["spec"], job["status"].clone());
        let completions = spec["completions"].as_u64().unwrap_or(1);
        let parallelism = spec["parallelism"].as_u64().unwrap_or(1);
        if status.is_null() {
            status = json!({"startTime": Timestamp::now(), "active": parallelism, "ready": parallelism, "succeeded": 0});
            return self.patch(job, true, json!({"status": status}));
        }
        let succeeded = status["succeeded"].as_u64().unwrap() + completions.div_ceil(STEPS);
        status["succeeded"] = json!(succeeded.min(completions));
        if succeeded >= completions {
            self.leave_message(job);
            let now = Timestamp::now();
            (status["active"], status["ready"]) = (json!(0), json!(0));
            status["completionTime"] = json!(now);
            status["conditions"] =
                json!([{"type": "Complete", "status": "True", "lastTransitionTime": now}]);
        }
        self.patch(job, true, json!({"status": status}));
    }

    /// The pod of plan or collect, which has succeeded.
    fn leave_message(&self, job: &Value) {
        let name = job["metadata"]["name"].as_str().unwrap();
        let message = match job["metadata"]["labels"][STEP].as_str().unwrap() {
            "plan" => &self.plan,
            "collect" => &self.totals,
            _ => return,
        };
        let terminated = json!({"exitCode": 0, "message": message.to_string()});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"labels": {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}},
            "status": {"phase": "Succeeded", "containerStatuses": [{
                "name": "scorer", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": terminated},
            }]},
        });
        let namespace = job["metadata"]["namespace"].as_str().unwrap();
        self.api
            .create("v1/pods", namespace, &format!("{name}-x"), pod);
    }

    /// The operator may have deleted the Job since.
    fn patch(&self, job: &Value, status: bool, patch: Value) {
        let name = |field: &str| job["metadata"][field].as_str().unwrap();
        let key = key(JOBS, name("namespace"), name("name"));
        let _ = self
            .api
            .with(|objects| objects.patch(&key, Patch::Merge, status, patch));
    }
}
