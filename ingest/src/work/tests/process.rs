use fleetscore_storage::Storage;

use super::*;

/// A process that works on and on, in this runtime.
pub(super) struct Process {
    pub(super) stop: CancellationToken,
    pub(super) watch: Watch,
    pub(super) done: tokio::task::JoinHandle<Result<(), WorkerError>>,
}

impl Process {
    /// Works as it is told.
    pub(super) fn begin(hub: impl Hub + 'static, storage: &Storage, options: Options) -> Self {
        let (stop, watch) = (CancellationToken::new(), Watch::default());
        let (storage, seen, stopped) = (storage.clone(), watch.clone(), stop.clone());
        let done = tokio::spawn(async move {
            Box::pin(work(Arc::new(hub), &storage, options, seen, stopped)).await
        });
        Self { stop, watch, done }
    }

    /// Works until it is stopped.
    pub(super) fn at_work(
        hub: &(impl Hub + Clone + 'static),
        objects: &Arc<InMemory>,
        fault: Fault,
        pod: &str,
        clock: &Arc<VirtualClock>,
    ) -> Self {
        let mut options = options(pod, Until::Stopped, 0);
        options.clock = Arc::clone(clock) as _;
        let storage = Faulty::storage(objects, &Calls::new(fault));
        Self::begin(hub.clone(), &storage, options)
    }

    pub(super) async fn end(self) {
        self.stop.cancel();
        self.done.await.unwrap().unwrap();
    }
}

pub(super) fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock {
        begun: Instant::now(),
        at: NINE,
    })
}

/// Sends each of the records of `history` at its time of arrival.
pub(super) async fn feed(
    hub: MemoryHub,
    history: Vec<(i32, MemoryRecord)>,
    clock: Arc<VirtualClock>,
) {
    for (partition, record) in history {
        while clock.now() < record.arrival {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        hub.append(partition, record);
    }
}

/// The history's records, in their order of arrival.
pub(super) fn records(hub: &MemoryHub, partitions: i32) -> Vec<(i32, MemoryRecord)> {
    let mut source = hub.open().unwrap();
    for partition in 0..partitions {
        source.assign(partition, crate::Place::at(0)).unwrap();
    }
    let mut all = Vec::new();
    let mut each = |event: crate::Event<'_>| {
        if let crate::Event::Record { record, .. } = event {
            let body = record.body.unwrap_or_default().to_vec();
            all.push((record.partition, MemoryRecord::new(record.arrival, body)));
        }
        std::ops::ControlFlow::Continue(())
    };
    while source.poll(1000, Duration::ZERO, &mut each).unwrap() > 0 {}
    all.sort_by_key(|(_, record)| record.arrival);
    all
}
