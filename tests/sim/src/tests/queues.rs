//! SQS over its wire: attributes, visibility, redrive, batches, long polls, limits.

use super::*;
use crate::sim::Delivery;
use crate::{Effect, Fault, MESSAGE_LIMIT, QueueWeather, Service};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// An account with the queue `q` in fine weather. Returns its URL too.
fn queue(attributes: &Value) -> (Sim, String) {
    let sim = Sim::new(WorldConfig::default());
    sim.world(|world| world.set_queue_weather(QueueWeather::FINE));
    let made = json_ok(&sim, &sqs("CreateQueue", &json!({ "QueueName": "q", "Attributes": attributes })));
    let url = made["QueueUrl"].as_str().expect("a URL").to_owned();
    (sim, url)
}

fn send(sim: &Sim, url: &str, body: &str) {
    json_ok(sim, &sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": body })));
}

fn receive(sim: &Sim, url: &str, most: u32) -> Vec<Value> {
    let request =
        json!({ "QueueUrl": url, "MaxNumberOfMessages": most, "MessageSystemAttributeNames": ["All"] });
    json_ok(sim, &sqs("ReceiveMessage", &request))["Messages"].as_array().cloned().unwrap_or_default()
}

fn bodies(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["Body"].as_str()).collect()
}

fn attribute(sim: &Sim, url: &str, name: &str) -> String {
    let all = sqs("GetQueueAttributes", &json!({ "QueueUrl": url, "AttributeNames": ["All"] }));
    json_ok(sim, &all)["Attributes"][name].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_queue_is_made_once_and_answers_for_its_attributes() {
    let (sim, url) = queue(&json!({ "VisibilityTimeout": "60" }));
    assert_eq!(url, "https://sqs.eu-west-1.amazonaws.com/111122223333/q");
    let again =
        |attributes: Value| sqs("CreateQueue", &json!({ "QueueName": "q", "Attributes": attributes }));
    for same in [json!({ "VisibilityTimeout": "60" }), json!({})] {
        assert_eq!(json_ok(&sim, &again(same))["QueueUrl"], url);
    }
    assert_eq!(
        json_refusal(&sim, &again(json!({ "VisibilityTimeout": "61" }))),
        (400, "QueueNameExists".into())
    );
    let reply = sim.answer(&again(json!({ "VisibilityTimeout": "61" }))).expect("it arrives");
    assert!(reply.headers.contains(&("x-amzn-query-error", "QueueAlreadyExists;Sender".to_owned())));
    let set = json!({ "QueueUrl": url, "Attributes": { "VisibilityTimeout": "5" } });
    json_ok(&sim, &sqs("SetQueueAttributes", &set));
    assert_eq!(attribute(&sim, &url, "VisibilityTimeout"), "5");
    assert_eq!(attribute(&sim, &url, "QueueArn"), "arn:aws:sqs:eu-west-1:111122223333:q");
    json_ok(&sim, &sqs("TagQueue", &json!({ "QueueUrl": url, "Tags": { "a": "b" } })));
    let tags = json_ok(&sim, &sqs("ListQueueTags", &json!({ "QueueUrl": url })));
    assert_eq!(tags, json!({ "Tags": { "a": "b" } }));
    assert_eq!(json_ok(&sim, &sqs("ListQueues", &json!({})))["QueueUrls"], json!([url]));
    assert_eq!(json_ok(&sim, &sqs("GetQueueUrl", &json!({ "QueueName": "q" })))["QueueUrl"], url);
    assert_eq!(sim.complaints(), [""; 0]);
}

#[test]
fn a_queue_that_is_not_there_is_named_in_body_and_header() {
    let (sim, url) = queue(&json!({}));
    json_ok(&sim, &sqs("DeleteQueue", &json!({ "QueueUrl": url })));
    for action in ["ReceiveMessage", "GetQueueAttributes", "DeleteQueue", "PurgeQueue", "ListQueueTags"] {
        let reply = sim.answer(&sqs(action, &json!({ "QueueUrl": url }))).expect("it arrives");
        let body = String::from_utf8_lossy(&reply.body);
        assert!(body.contains(r#""__type":"com.amazonaws.sqs#QueueDoesNotExist""#), "{body}");
        let header = ("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender".to_owned());
        assert!((reply.status, reply.headers.contains(&header)) == (400, true), "{action}");
    }
    let again = sqs("CreateQueue", &json!({ "QueueName": "q" }));
    assert_eq!(json_refusal(&sim, &again).1, "QueueDeletedRecently");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_hidden_for_its_time_and_comes_with_a_new_handle() {
    let (sim, url) = queue(&json!({}));
    send(&sim, &url, "hello");
    let first = receive(&sim, &url, 10);
    assert_eq!(bodies(&first), ["hello"]);
    assert_eq!(first[0]["MD5OfBody"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(first[0]["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(attribute(&sim, &url, "ApproximateNumberOfMessagesNotVisible"), "1");
    tokio::time::advance(29 * SECOND).await;
    assert_eq!(receive(&sim, &url, 10).len(), 0);
    tokio::time::advance(SECOND).await;
    let second = receive(&sim, &url, 10);
    assert_eq!(second[0]["Attributes"]["ApproximateReceiveCount"], "2");
    assert_eq!(second[0]["Attributes"]["SentTimestamp"], first[0]["Attributes"]["SentTimestamp"]);
    assert_ne!(second[0]["ReceiptHandle"], first[0]["ReceiptHandle"]);
    let longer =
        json!({ "QueueUrl": url, "ReceiptHandle": second[0]["ReceiptHandle"], "VisibilityTimeout": 100 });
    json_ok(&sim, &sqs("ChangeMessageVisibility", &longer));
    tokio::time::advance(99 * SECOND).await;
    assert_eq!(receive(&sim, &url, 10).len(), 0);
    let delete = json!({ "QueueUrl": url, "ReceiptHandle": second[0]["ReceiptHandle"] });
    json_ok(&sim, &sqs("DeleteMessage", &delete));
    json_ok(&sim, &sqs("DeleteMessage", &delete));
    tokio::time::advance(100 * SECOND).await;
    assert_eq!(receive(&sim, &url, 10).len(), 0);
    assert_eq!(json_refusal(&sim, &sqs("ChangeMessageVisibility", &longer)).1, "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_received_too_often_goes_to_the_dead_letters() {
    let (sim, url) = queue(&json!({ "VisibilityTimeout": "1" }));
    let letters = json_ok(&sim, &sqs("CreateQueue", &json!({ "QueueName": "letters" })))["QueueUrl"].clone();
    let letters = letters.as_str().expect("a URL").to_owned();
    let arn = attribute(&sim, &letters, "QueueArn");
    let redrive = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 2 }).to_string();
    let set = json!({ "QueueUrl": url, "Attributes": { "RedrivePolicy": redrive } });
    json_ok(&sim, &sqs("SetQueueAttributes", &set));
    send(&sim, &url, "bad");
    for _ in 0..2 {
        assert_eq!(receive(&sim, &url, 1).len(), 1);
        tokio::time::advance(2 * SECOND).await;
    }
    assert_eq!(receive(&sim, &url, 1).len(), 0);
    let dead = receive(&sim, &letters, 1);
    assert_eq!(bodies(&dead), ["bad"]);
    assert_eq!(dead[0]["Attributes"]["DeadLetterQueueSourceArn"], attribute(&sim, &url, "QueueArn"));
}

#[test]
fn a_batch_fails_by_its_entries() {
    let (sim, url) = queue(&json!({}));
    for number in 0..10 {
        send(&sim, &url, &format!("m{number}"));
    }
    let mut entries: Vec<Value> = receive(&sim, &url, 10)
        .iter()
        .enumerate()
        .map(|(place, message)| json!({ "Id": format!("e{place}"), "ReceiptHandle": message["ReceiptHandle"] }))
        .collect();
    let batch =
        |entries: &[Value]| sqs("DeleteMessageBatch", &json!({ "QueueUrl": url, "Entries": entries }));
    assert_eq!(json_refusal(&sim, &batch(&[])).1, "EmptyBatchRequest");
    assert_eq!(json_refusal(&sim, &batch(&vec![entries[0].clone(); 11])).1, "TooManyEntriesInBatchRequest");
    assert_eq!(json_refusal(&sim, &batch(&vec![entries[0].clone(); 2])).1, "BatchEntryIdsNotDistinct");
    entries[3]["ReceiptHandle"] = "nonsense".into();
    let answer = json_ok(&sim, &batch(&entries));
    assert_eq!(answer["Successful"].as_array().map(Vec::len), Some(9));
    assert_eq!(answer["Failed"][0]["Id"], "e3");
    assert_eq!(answer["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    assert_eq!(sim.world(|world| world.queue("q").map(|queue| queue.len())), Some(1));
}

#[test]
fn limits_are_kept_and_what_is_not_simulated_is_loud() {
    let (sim, url) = queue(&json!({}));
    let refused = |action: &str, body: Value| json_refusal(&sim, &sqs(action, &body)).1;
    let body = |size: usize| json!({ "QueueUrl": url, "MessageBody": "x".repeat(size) });
    json_ok(&sim, &sqs("SendMessage", &body(MESSAGE_LIMIT)));
    assert_eq!(refused("SendMessage", body(MESSAGE_LIMIT + 1)), "InvalidParameterValue");
    assert_eq!(refused("SendMessage", body(0)), "MissingParameter");
    for (name, value) in [("MaxNumberOfMessages", 11), ("MaxNumberOfMessages", 0), ("WaitTimeSeconds", 21)] {
        assert_eq!(
            refused("ReceiveMessage", json!({ "QueueUrl": url, name: value })),
            "InvalidParameterValue"
        );
    }
    assert_eq!(
        refused("DeleteMessage", json!({ "QueueUrl": url, "ReceiptHandle": "x" })),
        "ReceiptHandleIsInvalid"
    );
    json_ok(&sim, &sqs("PurgeQueue", &json!({ "QueueUrl": url })));
    assert_eq!(refused("PurgeQueue", json!({ "QueueUrl": url })), "PurgeQueueInProgress");
    let mistyped = json!({ "QueueUrl": url, "MaxNumberOfMessages": "1" });
    assert_eq!(refused("ReceiveMessage", mistyped), "SerializationException");
    assert_eq!(sim.complaints(), [""; 0]);
    for (action, body, code) in [
        ("SendMessageBatch", json!({}), "UnknownOperationException"),
        ("ReceiveMessage", json!({ "QueueUrl": url, "Colour": 1 }), "InvalidParameterValue"),
        ("CreateQueue", json!({ "QueueName": "x.fifo" }), "NotSimulated"),
        ("CreateQueue", json!({ "QueueName": "x", "Attributes": { "KmsMasterKeyId": "k" } }), "NotSimulated"),
    ] {
        let before = sim.complaints().len();
        assert_eq!(refused(action, body), code);
        assert_eq!(sim.complaints().len(), before + 1, "{action} {code}");
    }
}

#[test]
fn weather_hands_messages_out_twice_and_out_of_order_by_the_seed() {
    let order = |seed: u64| {
        let sim = Sim::new(WorldConfig { seed, ..WorldConfig::default() });
        sim.world(|world| {
            world.set_queue_weather(QueueWeather { duplicate: 0.2, disorder: 10 });
            world.create_queue("q", &[].into(), &[].into()).expect("made");
            for number in 0..100 {
                world.send_message("q", &number.to_string(), None).expect("sent");
            }
            let mut seen: Vec<String> = Vec::new();
            while let Some(one) = world.receive_messages("q", 1, None).expect("it is there").first() {
                seen.push(one.body.to_string());
            }
            seen
        })
    };
    let seen = order(1);
    assert!((110..160).contains(&seen.len()), "{}", seen.len());
    assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), 100);
    assert_ne!(seen[..100], (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!((order(1) == seen, order(2) == seen), (true, false));
}

#[test]
fn too_old_messages_are_forgotten() {
    let mut world = crate::World::new(WorldConfig::default());
    let attributes = [("MessageRetentionPeriod".to_owned(), "60".to_owned())].into();
    world.create_queue("q", &attributes, &[].into()).expect("made");
    world.send_message("q", "old", None).expect("sent");
    world.advance_by(59 * SECOND);
    world.send_message("q", "young", None).expect("sent");
    world.advance_by(SECOND);
    let left: Vec<String> = world
        .receive_messages("q", 10, None)
        .expect("there")
        .iter()
        .map(|one| one.body.to_string())
        .collect();
    assert_eq!(left, ["young"]);
}

fn poll(url: &str) -> Request {
    sqs("ReceiveMessage", &json!({ "QueueUrl": url, "WaitTimeSeconds": 20 }))
}

async fn polled(sim: &Sim, request: &Request) -> (Duration, String) {
    let start = sim.now();
    let Delivery::Whole(reply) = sim.exchange(request).await else { panic!("it arrives whole") };
    (sim.now().since(start), String::from_utf8_lossy(&reply.body).into_owned())
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_the_first_message_or_with_its_time() {
    let (sim, url) = queue(&json!({}));
    assert_eq!(polled(&sim, &poll(&url)).await, (20 * SECOND, "{}".to_owned()));
    sim.world(|world| {
        let at = world.now() + 7 * SECOND;
        world.schedule(at, |world| {
            world.send_message("q", "late", None).expect("sent");
        });
    });
    let (waited, body) = polled(&sim, &poll(&url)).await;
    assert_eq!((waited, body.contains("late")), (7 * SECOND, true));
    let (waited, body) = polled(&sim, &sqs("ReceiveMessage", &json!({ "QueueUrl": url }))).await;
    assert_eq!((waited, body.as_str()), (Duration::ZERO, "{}"));
    tokio::time::sleep(15 * SECOND).await;
    assert_eq!(polled(&sim, &poll(&url)).await.0, 15 * SECOND, "its visibility timeout ends then");
    assert_eq!(sim.calls("ReceiveMessage"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_hears_of_another_task_and_one_of_two_gets_the_message() {
    let (sim, url) = queue(&json!({ "ReceiveMessageWaitTimeSeconds": "20" }));
    let by_attribute = sqs("ReceiveMessage", &json!({ "QueueUrl": url }));
    let sender = async {
        tokio::time::sleep(3 * SECOND).await;
        let _ = sim.exchange(&sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "x" }))).await;
    };
    let by_request = poll(&url);
    let (one, two, ()) = tokio::join!(polled(&sim, &by_attribute), polled(&sim, &by_request), sender);
    let mut waits = [one.0, two.0];
    waits.sort();
    assert_eq!(waits, [3 * SECOND, 20 * SECOND]);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_does_not_wait() {
    let (sim, url) = queue(&json!({}));
    sim.deny("sqs:ReceiveMessage");
    let (waited, body) = polled(&sim, &poll(&url)).await;
    assert_eq!(waited, Duration::ZERO);
    assert!(
        body.contains("AccessDenied") && body.contains("sqs:receivemessage on resource: arn:aws:sqs:"),
        "{body}"
    );
    sim.allow("sqs:ReceiveMessage");
    sim.deny("sqs:DeleteMessage");
    let batch = json!({ "QueueUrl": url, "Entries": [{ "Id": "a", "ReceiptHandle": "b" }] });
    assert_eq!(json_refusal(&sim, &sqs("DeleteMessageBatch", &batch)), (403, "AccessDeniedException".into()));
    sim.inject(Fault::new(Effect::Throttle).on_service(Service::Sqs).nth(1));
    assert_eq!(polled(&sim, &poll(&url)).await.0, Duration::ZERO);
    sim.clear_faults();
    let gone = async {
        tokio::time::sleep(2 * SECOND).await;
        sim.world(|world| world.delete_queue("q").expect("it is there"));
    };
    let request = poll(&url);
    let (answer, ()) = tokio::join!(polled(&sim, &request), gone);
    assert_eq!((answer.0, answer.1.contains("QueueDoesNotExist")), (2 * SECOND, true));
}
