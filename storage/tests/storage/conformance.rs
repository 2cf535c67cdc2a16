use bytes::Bytes;
use fleetscore_storage::{StorageError, StoreKind};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;

use crate::place::{Place, content};

macro_rules! suite {
    ($($test:ident),* $(,)?) => {
        suite! { @place memory $($test)* }
        suite! { @place files $($test)* }
        suite! { @place azurite $($test)* }
    };
    (@place $place:ident $($test:ident)*) => {
        mod $place {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if let Some(place) = crate::place::Place::$place(stringify!($test)) {
                    super::$test(&place).await;
                }
            })*
        }
    };
}

suite! {
    what_is_put_is_read, an_object_above_the_limit_is_refused, reads_ranges, begins_an_object, lists_in_order, names_round_trip,
    an_upload_appears_at_its_end, an_upload_given_up_leaves_nothing, an_absent_object_is_not_found,
    concurrent_writers_do_not_mix, lists_thousands, hands_out_the_client,
    what_is_there_is_not_created, what_was_read_is_replaced_once, one_of_racing_writers_wins, a_listing_tells_changes,
    tells_how_far_clocks_are_apart,
}

async fn what_is_put_is_read(place: &Place) {
    for bytes in [
        content(0),
        content(1),
        content(70_000),
        Bytes::from_static(b"new"),
    ] {
        place.put("deep/er/object", bytes.clone()).await;
        assert_eq!(place.get("deep/er/object").await.unwrap(), bytes);
        let info = place
            .storage
            .head(&place.url("deep/er/object"))
            .await
            .unwrap();
        assert_eq!(
            (info.size, &info.url),
            (bytes.len() as u64, &place.url("deep/er/object"))
        );
        let age = jiff::Timestamp::now().duration_since(info.modified).abs();
        assert!(age.as_secs() < 60, "{age}");
    }
    assert!(
        place
            .storage
            .exists(&place.url("deep/er/object"))
            .await
            .unwrap()
    );
    assert!(!place.storage.exists(&place.url("deep/er")).await.unwrap());
    place
        .storage
        .delete(&place.url("deep/er/object"))
        .await
        .unwrap();
    assert!(
        !place
            .storage
            .exists(&place.url("deep/er/object"))
            .await
            .unwrap()
    );
}

async fn an_object_above_the_limit_is_refused(place: &Place) {
    place.put("big", content(1000)).await;
    let url = place.url("big");
    assert_eq!(place.storage.get(&url, 1000).await.unwrap().len(), 1000);
    let error = place.storage.get(&url, 999).await.unwrap_err();
    assert_eq!(
        error,
        StorageError::TooLarge {
            url: url.to_string(),
            size: 1000,
            limit: 999
        }
    );
}

async fn reads_ranges(place: &Place) {
    let bytes = content(1000);
    place.put("object", bytes.clone()).await;
    let url = place.url("object");
    for (range, want) in [
        (0..10, 0..10),
        (990..1000, 990..1000),
        (500..501, 500..501),
        (990..5000, 990..1000),
        (7..7, 7..7),
    ] {
        assert_eq!(
            place.storage.get_range(&url, range).await.unwrap(),
            bytes.slice(want)
        );
    }
    assert!(place.storage.get_range(&url, 1001..1002).await.is_err());
}

async fn begins_an_object(place: &Place) {
    for (bytes, limit) in [
        (content(0), 100),
        (content(100), 100),
        (content(1000), 100),
        (content(10), 100),
    ] {
        place.put("object", bytes.clone()).await;
        let url = place.url("object");
        let (info, first) = place.storage.begin(&url, limit).await.unwrap();
        assert_eq!((info.url, info.size), (url, bytes.len() as u64));
        assert_eq!(first, bytes.slice(..first.len()));
        // Of a file that has more there may be none.
        assert!(
            first.len() as u64 == info.size.min(limit) || (first.is_empty() && info.size > limit)
        );
    }
    let error = place.storage.begin(&place.url("absent"), 10).await;
    assert!(error.unwrap_err().is_not_found());
}

async fn lists_in_order(place: &Place) {
    assert_eq!(place.names().await, Vec::<String>::new());
    let mut names = [
        "b", "a/2", "a/10", "a.csv", "a-b", "A", "a/b/c", "z", "é", "ab/x", "日本",
    ]
    .map(str::to_owned)
    .to_vec();
    for name in &names {
        place.put(name, name.clone()).await;
    }
    names.sort_unstable();
    assert_eq!(place.names().await, names);
    // A folder is a whole segment: `ab` is not in `a`.
    let inner: Vec<_> = place
        .storage
        .list(&place.url("a/"))
        .map_ok(|info| (info.url, info.size))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        inner,
        ["a/10", "a/2", "a/b/c"].map(|name| (place.url(name), name.len() as u64))
    );
    assert_eq!(place.storage.list(&place.url("nowhere/")).count().await, 0);
}

async fn names_round_trip(place: &Place) {
    let mut names = [
        "a b",
        " a",
        "100%",
        "a%20b",
        "a%2Fb",
        "x=1,y=2/z",
        "a+b&c",
        "a#b",
        "a#1.csv",
        "#",
        "ü/日本 😀.csv",
        "(x)'!~@:;$*",
        "[x]{y}^`|",
        "\"q\"",
        "<a>",
        "C:/x",
        "-",
        "_",
        "...a",
        ".hidden",
    ]
    .map(str::to_owned)
    .to_vec();
    for name in &names {
        place.put(name, name.clone()).await;
    }
    names.sort_unstable();
    assert_eq!(place.names().await, names);
    for name in &names {
        assert_eq!(place.get(name).await.unwrap(), name.as_bytes(), "{name}");
        assert_eq!(
            place
                .storage
                .get_range(&place.url(name), 0..1)
                .await
                .unwrap(),
            name.as_bytes()[..1],
            "{name}"
        );
        place.storage.delete(&place.url(name)).await.unwrap();
    }
    assert_eq!(place.names().await, Vec::<String>::new());
}

async fn an_upload_appears_at_its_end(place: &Place) {
    let bytes = content(20 << 20);
    place.put("object", "old").await;
    let mut upload = place.storage.upload(&place.url("object")).unwrap();
    for chunk in 0..20 {
        upload
            .write(bytes.slice(chunk << 20..(chunk + 1) << 20))
            .await
            .unwrap();
    }
    assert_eq!(place.get("object").await.unwrap(), "old");
    assert_eq!(place.names().await, ["object"]);
    upload.finish().await.unwrap();
    assert!(place.get("object").await.unwrap() == bytes);
    let pieces: Vec<Bytes> = place
        .storage
        .get_stream(&place.url("object"))
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert!(pieces.concat() == bytes);
    let middle = (8 << 20) - 5..(8 << 20) + 5;
    assert_eq!(
        place
            .storage
            .get_range(&place.url("object"), middle.clone())
            .await
            .unwrap(),
        bytes[(8 << 20) - 5..(8 << 20) + 5]
    );
    assert_eq!(place.names().await, ["object"]);
}

async fn an_upload_given_up_leaves_nothing(place: &Place) {
    for size in [10, 20 << 20] {
        let mut aborted = place.storage.upload(&place.url("object")).unwrap();
        aborted.write(content(size)).await.unwrap();
        aborted.abort().await.unwrap();
        let mut dropped = place.storage.upload(&place.url("object")).unwrap();
        dropped.write(content(size)).await.unwrap();
        drop(dropped);
        assert_eq!(place.names().await, Vec::<String>::new());
    }
}

async fn an_absent_object_is_not_found(place: &Place) {
    place.put("other/object", "x").await;
    for name in ["absent", "other", "other/object/below"] {
        let url = place.url(name);
        let errors = [
            place.storage.get(&url, 10).await.err(),
            place.storage.get_range(&url, 0..1).await.err(),
            place.storage.get_stream(&url).await.err(),
            place.storage.head(&url).await.err(),
        ];
        for error in errors.map(Option::unwrap) {
            assert!(
                matches!(&error, StorageError::NotFound { url: named, .. } if *named == url.to_string()),
                "{error:?}"
            );
            assert!(!error.is_temporary());
        }
    }
    place.storage.delete(&place.url("absent")).await.unwrap();
}

async fn concurrent_writers_do_not_mix(place: &Place) {
    place.put("object", vec![0; 100_000]).await;
    let write = |byte: u8| async move { place.put("object", vec![byte; 100_000]).await };
    let read = || async {
        let bytes = place.get("object").await.unwrap();
        assert_eq!(bytes.len(), 100_000);
        assert!(bytes.iter().all(|byte| *byte == bytes[0]), "a mixture");
    };
    let both = |byte: u8| async move {
        futures::join!(write(byte), read());
    };
    stream::iter(1..=24).for_each_concurrent(8, both).await;
    read().await;
    assert_eq!(place.names().await, ["object"]);
}

/// More than one page: Azure lists 5,000 at a time.
async fn lists_thousands(place: &Place) {
    let name = |number: usize| format!("m_{number:05}.pkl");
    stream::iter(0..6000)
        .for_each_concurrent(
            64,
            |number| async move { place.put(&name(number), "x").await },
        )
        .await;
    assert_eq!(place.names().await, (0..6000).map(name).collect::<Vec<_>>());
}

async fn hands_out_the_client(place: &Place) {
    place.put("object", "0123456789").await;
    let url = place.url("object");
    let (store, path) = place.storage.object(&url).unwrap();
    assert_eq!(store.get_range(&path, 2..4).await.unwrap(), "23");
    let url = place.url("absent");
    let (store, path) = place.storage.object(&url).unwrap();
    let error = place
        .storage
        .error(&url, &store.head(&path).await.unwrap_err());
    assert!(matches!(error, StorageError::NotFound { .. }), "{error}");
}

async fn what_is_there_is_not_created(place: &Place) {
    let (storage, url) = (&place.storage, place.url("deep/er/object"));
    let put =
        |bytes: &'static str| storage.put_if(&url, Bytes::from_static(bytes.as_bytes()), None);
    let first = put("one").await.unwrap().unwrap();
    for again in ["one", "two"] {
        assert_eq!(put(again).await.unwrap(), None);
        assert!(!storage.create(&url, again.into()).await.unwrap());
    }
    assert_eq!(
        storage.get_with_etag(&url, 3).await.unwrap(),
        (Bytes::from_static(b"one"), first)
    );
    assert!(
        storage
            .get_with_etag(&url, 2)
            .await
            .unwrap_err()
            .is_too_large()
    );
    storage.delete(&url).await.unwrap();
    assert!(
        storage
            .get_with_etag(&url, 3)
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(put("two").await.unwrap().is_some());
    assert_eq!(place.names().await, ["deep/er/object"]);
}

async fn what_was_read_is_replaced_once(place: &Place) {
    let (storage, url) = (&place.storage, place.url("object"));
    // By whatever means it was written.
    place.put("object", content(100_000)).await;
    let (bytes, first) = storage.get_with_etag(&url, u64::MAX).await.unwrap();
    assert_eq!(bytes, content(100_000));
    let second = storage
        .put_if(&url, content(9 << 20), Some(&first))
        .await
        .unwrap()
        .unwrap();
    assert_ne!(first, second);
    assert_eq!(
        storage
            .put_if(&url, content(3), Some(&first))
            .await
            .unwrap(),
        None
    );
    let (bytes, read) = storage.get_with_etag(&url, u64::MAX).await.unwrap();
    assert!(bytes == content(9 << 20) && read == second);
    let third = storage
        .put_if(&url, content(0), Some(&read))
        .await
        .unwrap()
        .unwrap();
    place.put("object", "theirs").await;
    assert_eq!(
        storage
            .put_if(&url, content(3), Some(&third))
            .await
            .unwrap(),
        None
    );
    assert_eq!(place.get("object").await.unwrap(), "theirs");
    let (_, last) = storage.get_with_etag(&url, u64::MAX).await.unwrap();
    storage.delete(&url).await.unwrap();
    assert_eq!(
        storage.put_if(&url, content(3), Some(&last)).await.unwrap(),
        None
    );
    assert_eq!(place.names().await, Vec::<String>::new());
}

async fn one_of_racing_writers_wins(place: &Place) {
    let (storage, url) = (&place.storage, place.url("object"));
    let mut expected = None;
    for round in 0..8 {
        let write = |writer: u8| {
            let expected = expected.clone();
            let bytes = Bytes::from(vec![writer; 1000 + round]);
            let url = url.clone();
            async move {
                (
                    writer,
                    storage
                        .put_if(&url, bytes, expected.as_ref())
                        .await
                        .unwrap(),
                )
            }
        };
        let written: Vec<_> = stream::iter(0..8)
            .map(write)
            .buffer_unordered(8)
            .collect()
            .await;
        let won: Vec<_> = written
            .into_iter()
            .filter_map(|(writer, tag)| Some((writer, tag?)))
            .collect();
        assert_eq!(won.len(), 1, "{won:?}");
        let (bytes, tag) = storage.get_with_etag(&url, u64::MAX).await.unwrap();
        assert_eq!(bytes, vec![won[0].0; 1000 + round]);
        assert_eq!(tag, won[0].1);
        expected = Some(tag);
    }
}

/// By which claims are seen to be alive: a listing shows another tag, or time and size, after each change, and none without.
async fn a_listing_tells_changes(place: &Place) {
    let (storage, url) = (&place.storage, place.url("object"));
    let listed = || async {
        let listed: Vec<_> = storage.list(&place.root).try_collect().await.unwrap();
        listed[0].meta.e_tag.clone().unwrap()
    };
    let mut tag = storage.put_if(&url, content(10), None).await.unwrap();
    let mut seen = vec![listed().await];
    for round in 0..3 {
        assert_eq!(listed().await, seen[round]);
        tag = storage
            .put_if(&url, Bytes::from(vec![0; round]), tag.as_ref())
            .await
            .unwrap();
        seen.push(listed().await);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

async fn tells_how_far_clocks_are_apart(place: &Place) {
    assert_eq!(place.storage.clock_ahead(), None);
    place.put("object", "x").await;
    let ahead = place.storage.clock_ahead();
    // The emulator runs on this machine.
    let is_near = |ahead: jiff::SignedDuration| ahead.abs().as_secs() < 10;
    assert_eq!(
        ahead.map(is_near),
        (place.root.kind() == StoreKind::Azure).then_some(true)
    );
}
