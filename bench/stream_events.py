"""Events of a plant in a topic of Kafka, and the windows that they come to."""

import time

import numpy as np
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

TAGS = ("temperature", "vibration", "pressure", "flow")
# A whole hour, two hours ago, when the first event comes; the broker tells the time that it gets them as their arrival.
START = int(time.time()) // 3600 * 3600 - 2 * 3600
# Events that wait to be sent.
WAITING = 200_000
VALUES = np.round(np.random.default_rng(7).normal(50, 12, 1 << 18), 4)


class Plant:
    """So many sensors, four a device, each with an event every so many seconds for some minutes. All events of a device are in one
    partition, and the sensors of a second come in an order of its own. `sums` and `counts` hold what each sensor's minutes come to."""

    def __init__(self, sensors, every, minutes, partitions):
        self.sensors, self.every, self.minutes, self.partitions = sensors, every, minutes, partitions
        self.sums = np.zeros((sensors, minutes))
        self.counts = np.zeros((sensors, minutes), dtype=np.int64)
        self.bytes = 0
        self.events = sensors * minutes * 60 // every

    def send(self, broker, topic):
        """Makes the topic and sends all events; the bytes of an event, on average."""
        admin = AdminClient({"bootstrap.servers": broker})
        admin.create_topics([NewTopic(topic, self.partitions, 1)])[topic].result()
        settings = {"bootstrap.servers": broker, "queue.buffering.max.messages": 2 * WAITING, "linger.ms": 50, "batch.size": 1 << 20}
        producer = Producer(settings)
        random = np.random.default_rng(1)
        devices = [f'Z","device":"pump-{sensor // 4:06}","tag":"{TAGS[sensor % 4]}","value":' for sensor in range(self.sensors)]
        texts = [f'{value:.4f},"unit":"SI","quality":"Normal"}}' for value in VALUES.tolist()]
        fractions = [f".{thousandth:03}" for thousandth in range(1000)]
        partitions = [sensor // 4 % self.partitions for sensor in range(self.sensors)]
        for begin in range(0, self.minutes * 60, self.every):
            order = random.permutation(self.sensors)
            for step, sensors in enumerate(np.array_split(order, self.every)):
                second = START + begin + step
                numbers = random.integers(0, len(VALUES), len(sensors))
                self.sums[sensors, (begin + step) // 60] += VALUES[numbers]
                self.counts[sensors, (begin + step) // 60] += 1
                stamp = '{"ts":"' + time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
                thousandths = random.integers(0, 1000, len(sensors)).tolist()
                batches = [[] for _ in range(self.partitions)]
                for sensor, number, thousandth in zip(sensors.tolist(), numbers.tolist(), thousandths):
                    batches[partitions[sensor]].append({"value": stamp + fractions[thousandth] + devices[sensor] + texts[number]})
                for partition, events in enumerate(batches):
                    self.bytes += sum(len(event["value"]) for event in events)
                    if producer.produce_batch(topic, events, partition) != len(events):
                        raise RuntimeError("events were not taken")
                while len(producer) > WAITING:
                    producer.poll(0.01)
        if producer.flush(60):
            raise RuntimeError("the broker does not take all events")
        return self.bytes / self.events


def instant(minute):
    """A minute of the plants as text (RFC 3339)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + minute * 60))


def delete(broker, topic):
    """Deletes a topic."""
    admin = AdminClient({"bootstrap.servers": broker})
    admin.delete_topics([topic])[topic].result()
