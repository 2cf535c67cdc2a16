use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// How the readings to score become events of a hub.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Events")]
pub struct EventArgs {
    /// Also write the readings to score as events, in the order in which a hub gets them: a line of JSON
    /// each, with when it arrives, its partition and the event
    #[arg(long, value_name = "FILE")]
    pub events_out: Option<PathBuf>,

    /// Also send the events to a topic of Kafka, without signing in; it is created if absent. Their
    /// timestamps are when they arrive. Several brokers: HOST:PORT,HOST:PORT/TOPIC
    #[arg(long, value_name = "HOST:PORT/TOPIC")]
    pub to_kafka: Option<Topic>,

    /// Partitions of the topic. A device's events are all in one
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(i32).range(1..=1024))]
    pub partitions: i32,

    /// Events arrive up to so many seconds after their reading, so that they are out of order
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = seconds())]
    pub delay_seconds: u32,

    /// Share of the devices that keep their events and send them all at once every --late-seconds
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    pub late_devices: f64,

    /// For how long these keep them
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = seconds())]
    pub late_seconds: u32,

    /// Share of the devices whose clock is --early-seconds ahead
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    pub early_devices: f64,

    /// By how much these clocks are ahead
    #[arg(long, value_name = "SECONDS", default_value_t = 7200, value_parser = seconds())]
    pub early_seconds: u32,

    /// Share of the events that are sent twice
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = share)]
    pub duplicate_rate: f64,
}

impl EventArgs {
    /// Whether events are wanted.
    pub(in crate::simulate) fn are_wanted(&self) -> bool {
        self.events_out.is_some() || self.to_kafka.is_some()
    }
}

/// A topic and the brokers to ask first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// As `HOST:PORT`, with commas between them.
    pub brokers: String,
    /// Its name.
    pub name: String,
}

impl FromStr for Topic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_broker = |broker: &str| {
            broker
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        match text.split_once('/') {
            Some((brokers, name)) if brokers.split(',').all(is_broker) && is_name(name) => {
                Ok(Self {
                    brokers: brokers.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err("is no HOST:PORT/TOPIC, such as 127.0.0.1:9092/telemetry".to_owned()),
        }
    }
}

fn seconds() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=604_800)
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err("must be between 0 and 1".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_brokers_and_a_name() {
        let topic = |brokers: &str, name: &str| {
            Ok(Topic {
                brokers: brokers.to_owned(),
                name: name.to_owned(),
            })
        };
        assert_eq!("127.0.0.1:9092/t".parse(), topic("127.0.0.1:9092", "t"));
        assert_eq!("a:1,b:2/plant.t-1".parse(), topic("a:1,b:2", "plant.t-1"));
        for text in [
            "", "t", "a/t", "a:1", "a:1/", "a:x/t", ":1/t", "a:1/b/c", "a:1,/t",
        ] {
            assert!(text.parse::<Topic>().is_err(), "{text}");
        }
    }
}
