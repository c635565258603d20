//! What becomes of each kind of message, and what is told of the queue itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::time::timeout;

use super::*;
use crate::domain::error_class::ErrorClass;
use crate::reconcile::ports::{ApiError, EventNote};

/// A queue that gives these batches one after the other, and then nothing.
#[derive(Default)]
struct Given {
    batches: Mutex<VecDeque<Vec<Message>>>,
    deleted: Mutex<Vec<String>>,
    puts_aside: Option<bool>,
    /// After its first answer it says no more whether it puts aside.
    answers_once: bool,
    asked: AtomicUsize,
    denies_deletion: bool,
    /// Before each batch.
    pause: Duration,
}

fn denied(operation: &'static str) -> ApiError {
    ApiError {
        operation,
        subject: "of the queue".to_owned(),
        class: ErrorClass::Denied,
        code: None,
        request_id: None,
        message: "denied".to_owned(),
        hint: None,
        source: None,
    }
}

#[async_trait]
impl Queue for Given {
    async fn receive(&self) -> Result<Vec<Message>, ApiError> {
        sleep(self.pause).await;
        let next = self.batches.lock().expect("no test panics while it holds this").pop_front();
        match next {
            Some(messages) => Ok(messages),
            None => std::future::pending().await,
        }
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), ApiError> {
        if self.denies_deletion {
            return Err(denied("sqs:DeleteMessage"));
        }
        let mut deleted = self.deleted.lock().expect("no test panics while it holds this");
        deleted.extend(messages.iter().map(|message| message.id.clone()));
        Ok(())
    }

    async fn puts_aside(&self) -> Result<bool, ApiError> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        match self.puts_aside.filter(|_| asked == 0 || !self.answers_once) {
            Some(puts_aside) => Ok(puts_aside),
            None => Err(denied("sqs:GetQueueAttributes")),
        }
    }
}

#[derive(Default)]
struct Heard {
    events: Mutex<BTreeMap<(&'static str, &'static str), usize>>,
    queue: Mutex<Vec<Option<QueueTroubles>>>,
}

impl EventAudience for Heard {
    fn hear_event(&self, kind: &'static str, outcome: &'static str, _: Option<Duration>) {
        let mut events = self.events.lock().expect("no test panics while it holds this");
        *events.entry((kind, outcome)).or_default() += 1;
    }

    fn hear_note(&self, _: EventNote) {}

    fn hear_queue(&self, troubles: Option<&QueueTroubles>) {
        self.queue.lock().expect("no test panics while it holds this").push(troubles.cloned());
    }
}

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn message(id: &str, body: &str, receives: u32) -> Message {
    Message { id: id.to_owned(), body: body.to_owned(), receipt: format!("{id}-{receives}"), receives }
}

/// An event of an update of `billing`, in this account and region, with more in its detail.
fn update(account: &str, region: &str, more: &str) -> String {
    format!(
        r#"{{"account":"{account}","region":"{region}","source":"aws.lambda",
            "detail-type":"AWS API Call via CloudTrail","time":"2026-01-01T00:00:00Z",
            "detail":{{"eventSource":"lambda.amazonaws.com","eventName":"UpdateFunctionConfiguration20150331v2",
            "eventTime":"2026-01-01T00:00:00Z","awsRegion":"{region}",
            "requestParameters":{{"functionName":"billing"}}{more}}}}}"#
    )
}

struct Told {
    events: BTreeMap<(&'static str, &'static str), usize>,
    queue: Vec<Option<QueueTroubles>>,
    deleted: Vec<String>,
}

/// Lets a consumer read the queue to its end.
async fn read(queue: Given) -> Told {
    read_for(queue, Duration::from_secs(1)).await
}

async fn read_for(queue: Given, time: Duration) -> Told {
    let (queue, heard) = (Arc::new(queue), Arc::new(Heard::default()));
    let cancel = CancellationToken::new();
    let running = tokio::spawn(consumer(queue.clone(), heard.clone(), cancel.clone()).run());
    sleep(time).await;
    cancel.cancel();
    timeout(Duration::from_secs(1), running).await.expect("it ends at once").expect("it does not panic");
    let events = heard.events.lock().expect("no test panics while it holds this").clone();
    let deleted = queue.deleted.lock().expect("no test panics while it holds this").clone();
    let queue = heard.queue.lock().expect("no test panics while it holds this").clone();
    Told { events, queue, deleted }
}

fn consumer(queue: Arc<dyn Queue>, audience: Arc<dyn EventAudience>, cancel: CancellationToken) -> Consumer {
    let route = Route {
        target: "default".parse().expect("a name"),
        region: "eu-west-1".to_owned(),
        inbox: Arc::default(),
    };
    Consumer {
        queue,
        routes: Arc::new(Mutex::new(vec![route])),
        audience,
        clock: Arc::new(At("2026-01-01T00:00:09Z".parse().expect("a time"))),
        cancel,
        seed: 1,
    }
}

fn of(batches: impl IntoIterator<Item = Vec<Message>>) -> Given {
    Given { batches: Mutex::new(batches.into_iter().collect()), puts_aside: Some(true), ..Given::default() }
}

#[tokio::test(start_paused = true)]
async fn what_happened_elsewhere_or_came_to_nothing_is_deleted_and_causes_nothing() {
    let here = update("111122223333", "eu-west-1", "");
    let messages = vec![
        message("here", &here, 1),
        message("region", &update("111122223333", "us-east-1", ""), 1),
        message("dry", &update("111122223333", "eu-west-1", r#","errorCode":"Client.DryRunOperation""#), 1),
        message("other", &here.replace("UpdateFunctionConfiguration", "GetFunctionConfiguration"), 1),
    ];
    let told = read(of([messages])).await;
    let update = "update_function_configuration";
    assert_eq!(told.events[&(update, "accepted")], 1, "{:?}", told.events);
    assert_eq!(told.events[&(update, "elsewhere")], 1);
    assert_eq!(told.events[&(update, "refused")], 1);
    assert_eq!(told.events[&("other", "irrelevant")], 1);
    assert_eq!(told.deleted, ["here", "region", "dry", "other"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_again_is_deleted_and_tells_nothing_new() {
    let body = update("111122223333", "eu-west-1", "");
    let told = read(of([1, 2, 3].map(|times| vec![message("one", &body, times)]))).await;
    assert_eq!(told.events[&("update_function_configuration", "accepted")], 1);
    assert_eq!(told.events[&("update_function_configuration", "redelivered")], 2);
    assert_eq!(told.deleted.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_malformed_is_left_to_the_dead_letters_and_deleted_where_there_are_none() {
    let batches = || (1..=RECEIVES_MAX).map(|times| vec![message("bad", "{", times)]);
    let left = read(of(batches())).await;
    assert_eq!((left.deleted.len(), left.events[&("malformed", "malformed")]), (0, RECEIVES_MAX as usize));
    let deleted = read(Given { puts_aside: Some(false), ..of(batches()) }).await;
    assert_eq!(deleted.deleted.len(), RECEIVES_MAX as usize);
    let unknown = read(Given { puts_aside: None, ..of(batches()) }).await;
    assert_eq!(unknown.deleted, ["bad"], "after so many times");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_the_queue_outlives_a_failure_to_ask_again() {
    let batches = [1, 2].map(|more| vec![message("bad", "{", RECEIVES_MAX + more)]);
    let queue = Given { answers_once: true, pause: ASKED_EVERY * 2, ..of(batches) };
    let told = read_for(queue, ASKED_EVERY * 5).await;
    assert_eq!((told.events[&("malformed", "malformed")], told.deleted.len()), (2, 0), "it has dead letters");
}

#[tokio::test(start_paused = true)]
async fn what_one_target_did_is_no_news_to_another_of_the_same_place() {
    let call = update("111122223333", "eu-west-1", r#","requestID":"of-two""#);
    let heard = Arc::new(Heard::default());
    let consumer = consumer(Arc::new(of([])), heard, CancellationToken::new());
    let two =
        Route { target: "two".parse().expect("a name"), ..consumer.routes.lock().expect("fresh")[0].clone() };
    let two = Route { inbox: Arc::default(), ..two };
    two.inbox.note_own("of-two");
    consumer.routes.lock().expect("fresh").push(two);
    let dealt = consumer.deal_with(&message("one", &call, 1), &mut Memory::default());
    assert_eq!(dealt.outcome, "echo", "whichever comes first");
}

#[test]
fn a_message_is_remembered_once_and_not_for_ever() {
    let mut recent = Recent::of(2);
    assert!(recent.add("a") && !recent.add("a") && recent.add("b") && !recent.has_forgotten);
    assert!(recent.add("c") && recent.has_forgotten);
    assert!(recent.add("a"), "it was the oldest");
    assert_eq!((recent.in_order.len(), recent.all.len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_of_the_queue_is_denied_is_told_and_holds_up_nothing() {
    let messages = || [vec![message("one", &update("111122223333", "eu-west-1", ""), 1)]];
    let fine = read(of(messages())).await;
    assert_eq!(fine.queue, [Some(QueueTroubles::default()), None], "told once, and at its end");
    let told = read(Given { denies_deletion: true, puts_aside: None, ..of(messages()) }).await;
    assert_eq!(told.events[&("update_function_configuration", "accepted")], 1);
    let [.., Some(troubles), None] = &told.queue[..] else { panic!("{:?}", told.queue) };
    assert!(!troubles.is_up() && troubles.receive.is_none());
    assert!(troubles.delete.as_ref().is_some_and(|text| text.contains("sqs:DeleteMessage")));
    assert!(troubles.attributes.as_ref().is_some_and(|text| text.contains("sqs:GetQueueAttributes")));
    let unasked = QueueTroubles { delete: None, ..troubles.clone() };
    assert!(unasked.is_up(), "events are taken off it all the same");
}

/// A queue that has nothing, and says so without a wait.
#[derive(Default)]
struct Hasty {
    asked: AtomicUsize,
}

#[async_trait]
impl Queue for Hasty {
    async fn receive(&self) -> Result<Vec<Message>, ApiError> {
        if self.asked.fetch_add(1, Ordering::Relaxed) > 1000 {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        Ok(Vec::new())
    }

    async fn delete(&self, _: &[Message]) -> Result<(), ApiError> {
        panic!("there is nothing to delete")
    }

    async fn puts_aside(&self) -> Result<bool, ApiError> {
        Ok(true)
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_wait_is_not_asked_without_a_pause() {
    let (queue, cancel) = (Arc::new(Hasty::default()), CancellationToken::new());
    let running = tokio::spawn(consumer(queue.clone(), Arc::new(Heard::default()), cancel.clone()).run());
    tokio::time::sleep(Duration::from_secs(60)).await;
    cancel.cancel();
    running.await.expect("it does not panic");
    let asked = queue.asked.load(Ordering::Relaxed);
    assert!((50..=61).contains(&asked), "{asked} times in a minute");
}
