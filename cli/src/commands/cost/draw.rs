use std::fmt::Write as _;

use fleetscore_crds::cost::{MonthRow, Row};

use super::{Cost, POD_START, cpus};
use crate::kubectl::words;

/// The estimate as text.
pub fn text(cost: &Cost) -> String {
    let unit = cost
        .currency
        .as_deref()
        .map(|code| format!(" {code}"))
        .unwrap_or_default();
    let how = match &cost.like {
        Some(source) => format!("as in {source}"),
        None => "a guess; --like REPORT takes it from an earlier run".to_owned(),
    };
    let memory = if cost.by_memory {
        ""
    } else {
        "; memory is not looked at without --node-memory"
    };
    let mut text = format!(
        "
run        {} sensors in {} pods of {}, {} each: {POD_START} s to start, {:.2} s a sensor ({how})
nodes      {} pods on each ({} of {} free CPUs a pod{memory}), {} to start, gone after {} idle
steps      plan and collect {} s each, before and after
price      {}{unit} for a node and hour

",
        cost.sensors,
        cost.shards,
        cost.sensors_per_pod,
        span(cost.shard_seconds),
        cost.sensor_seconds,
        cost.pods_per_node,
        cpus(cost.pod_cpu),
        cpus(cost.node_cpu),
        span(cost.start_seconds),
        span(cost.idle_seconds),
        cost.step_seconds,
        cost.price_per_node_hour,
    );
    let months = cost.table.rows.iter().any(|row| row.month.is_some());
    let title = if months {
        "   30 days  runs, and the nodes between them"
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "  nodes  pods      time  nodes ready  node-hours     a run{title}"
    );
    for row in &cost.table.rows {
        let mark = if cost.table.within_deadline == Some(row.nodes) {
            '*'
        } else {
            ' '
        };
        let _ = writeln!(text, "{mark} {}", line(row));
    }
    push_deadline(&mut text, cost);
    push_idle(&mut text, cost, &unit);
    text
}

fn line(row: &Row) -> String {
    let mut line = format!(
        "{:>5} {:>5} {:>9} {:>12} {:>11.2} {:>9}",
        row.nodes,
        row.pods,
        span(row.seconds),
        span(row.warm_seconds),
        row.node_seconds / 3600.0,
        money(row.price),
    );
    if let Some(month) = &row.month {
        let _ = write!(line, " {:>9}  {}", money(month.price), runs(month));
    }
    line
}

fn runs(month: &MonthRow) -> String {
    let nodes = match month {
        month if month.always_warm => "never leave",
        month if month.warm > 0 => "leave at times",
        _ => "leave",
    };
    if month.skipped == 0 {
        format!("{}, {nodes}", month.runs)
    } else {
        format!(
            "{} of {}: the others find the run before them going on",
            month.runs,
            month.runs + month.skipped
        )
    }
}

fn push_deadline(text: &mut String, cost: &Cost) {
    let Some(deadline) = cost.deadline_seconds else {
        return;
    };
    let deadline = span(deadline);
    // Writing into a text cannot fail.
    let _ = match cost.table.within_deadline {
        Some(_) => writeln!(
            text,
            "\n* the fewest nodes with which a run ends within {deadline}; each further one adds a start and an idle time"
        ),
        None => writeln!(
            text,
            "\nno number of nodes ends a run within {deadline}: allow more pods (sharding.parallelism, --max-nodes), make pods smaller \
             (sharding.sensorsPerPod), or keep nodes warm"
        ),
    };
}

fn push_idle(text: &mut String, cost: &Cost, unit: &str) {
    let Some(idle) = &cost.table.idle else {
        return;
    };
    let _ = writeln!(
        text,
        "
idle time of {} nodes, in 30 days:
  {:>8}  {:>9}{unit}  nodes are let go about as soon as a new one takes to start
  {:>8}  {:>9}{unit}  as now
  {:>8}  {:>9}{unit}  nodes are kept warm, and runs end {} sooner",
        idle.nodes,
        span(idle.let_go_seconds),
        money(idle.let_go.price),
        span(cost.idle_seconds),
        money(idle.now.price),
        "always",
        money(idle.warm.price),
        span(idle.saved_seconds),
    );
    let words = if idle.let_go.always_warm {
        "the runs follow one another so closely that nodes never leave: any idle time will do"
            .to_owned()
    } else if idle.warm.price <= idle.let_go.price {
        "keep nodes warm: it costs no more".to_owned()
    } else if idle.let_go.price < idle.now.price {
        format!(
            "let nodes go after {}: it saves {}{unit} in 30 days",
            span(idle.let_go_seconds),
            money(idle.now.price - idle.let_go.price)
        )
    } else {
        "the idle time is right".to_owned()
    };
    let _ = writeln!(text, "  -> {words}");
}

/// A price, to the hundredth; small ones to two digits.
fn money(price: f64) -> String {
    if price > 0.0 && price < 0.1 {
        format!("{price:.4}")
    } else {
        format!("{price:.2}")
    }
}

/// A time, rounded up to whole seconds.
fn span(seconds: f64) -> String {
    // What a price is computed from is far below.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    words::duration(seconds.ceil() as u64)
}
