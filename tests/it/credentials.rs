//! Credentials that are not there, are wrong or expire, by the binary: what can't begin says so in one line and ends, and
//! what runs goes on, says so, and takes new ones up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eipd_sim::{
    Credentials, EIPD_ACCESS_KEY, Effect, Fault, Hand, HttpServer, Principal, SECRET_ACCESS_KEY, Service,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::process::{Bench, PATIENCE, Running, configuration, served};
use crate::rig::{Daemon, assert_lawful, on_paused_clock};
use crate::small::Small;

const KEYS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// `plan`, `apply` and `run` each end with 1 and with one line that says this; nothing was changed.
async fn assert_refused(small: &Small, bench: &Bench, wanted: &str) {
    for verb in ["plan", "apply", "run"] {
        let before = small.sim.calls("GetCallerIdentity");
        let ended = bench.run(&[verb]).await;
        let said = format!("{}{}", ended.stdout(), ended.stderr());
        assert_eq!(ended.code(), Some(1), "{verb}: {said}");
        assert_eq!(said.matches(wanted).count(), 1, "{verb}, {wanted}: {said}");
        assert!(said.contains("hint: "), "{verb}: {said}");
        if verb == "run" {
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        let asked = small.sim.calls("GetCallerIdentity") - before;
        assert!(asked <= 1, "{verb}: what is refused is not asked for {asked} times");
        assert!(ended.took < PATIENCE, "{verb} took {:?}", ended.took);
    }
    assert_eq!(small.sim.calls("AssociateAddress"), 0);
}

#[tokio::test]
async fn without_credentials_every_verb_says_so_and_ends() {
    let small = Small::with(2);
    let server = served(&small).await;
    let bench = || Bench::new(&configuration(&small), &server.url()).without(&KEYS);
    assert_refused(&small, &bench(), "no AWS credentials found").await;
    assert_refused(&small, &bench().with("AWS_PROFILE", "nobody"), "no AWS credentials found").await;
    // A source that nobody listens at.
    let bench = bench().with("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
    let ended = bench.run(&["plan"]).await;
    assert_eq!(ended.code(), Some(1), "{}{}", ended.stdout(), ended.stderr());
    assert!(ended.took < PATIENCE, "it took {:?}", ended.took);
    assert_eq!(small.sim.call_count(), 0, "nothing is sent that could not be signed");
}

#[tokio::test]
async fn wrong_and_expired_credentials_are_told_by_every_verb_which_then_ends() {
    let small = Small::with(2);
    let server = served(&small).await;
    let bench = || Bench::new(&configuration(&small), &server.url());
    let unknown = bench().with("AWS_ACCESS_KEY_ID", "AKIDNOBODYKNOWS");
    assert_refused(&small, &unknown, "`InvalidClientTokenId`").await;
    small.sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Expired);
    assert_refused(&small, &bench(), "hint: renew the credentials").await;
    small.sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Valid);
    for (code, status, hint) in [
        ("SignatureDoesNotMatch", 403, "hint: check the secret access key"),
        ("IncompleteSignature", 400, "hint: check the secret access key"),
        ("AuthFailure", 401, "hint: these credentials are not valid"),
        ("UnrecognizedClientException", 400, "hint: these credentials are not valid"),
        ("MissingAuthenticationToken", 403, "hint: these credentials are not valid"),
    ] {
        let (code, message) = (code.to_owned(), "No.".to_owned());
        let refusal = Effect::Error { code: code.clone(), status, message };
        small.sim.inject(Fault::new(refusal).on_service(Service::Sts));
        assert_refused(&small, &bench(), &format!("`{code}`")).await;
        let said = bench().run(&["plan"]).await;
        let said = format!("{}{}", said.stdout(), said.stderr());
        assert!(said.contains(hint), "{code}: {said}");
        small.sim.clear_faults();
    }
}

#[tokio::test]
async fn credentials_of_another_account_end_every_verb() {
    let small = Small::with(2);
    let server = served(&small).await;
    let arn = "arn:aws:lambda:eu-west-1:999988887777:function:billing";
    let text = configuration(&small).replace("\"billing\"", &format!("\"{arn}\""));
    assert_refused(&small, &Bench::new(&text, &server.url()), "the configuration names 999988887777").await;
}

#[tokio::test]
async fn what_only_ec2_refuses_is_one_line_and_a_daemon_waits_for_it() {
    let small = Small::with(2);
    let server = served(&small).await;
    small.sim.inject(Fault::new(Effect::BadCredentials).on_service(Service::Ec2));
    let bench = Bench::new(&configuration(&small), &server.url());
    for verb in ["plan", "apply"] {
        let ended = bench.run(&[verb]).await;
        let said = format!("{}{}", ended.stdout(), ended.stderr());
        assert_eq!((ended.code(), said.matches("`AuthFailure`").count()), (Some(1), 1), "{verb}: {said}");
    }
    let daemon = Running::start(&small, &server);
    assert!(daemon.until(|status| status.to_string().contains("`AuthFailure`")).await, "{}", daemon.log());
    small.sim.clear_faults();
    assert!(daemon.until(|_| small.is_covered()).await);
}

#[tokio::test]
async fn a_start_while_sts_is_down_is_no_wrong_credentials() {
    let small = Small::with(2);
    let server = served(&small).await;
    small.sim.inject(Fault::new(Effect::Unavailable).on_service(Service::Sts));
    let daemon = Running::start(&small, &server);
    let asked = async {
        while small.sim.calls("GetCallerIdentity") < 2 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("it is asked again");
    small.sim.clear_faults();
    assert!(daemon.until(|_| small.is_covered()).await, "{}", daemon.log());
}

fn is_covered(status: &Value) -> bool {
    status["targets"][0]["coverage"] == "covered"
}

#[tokio::test]
async fn one_target_that_is_refused_does_not_end_the_others() {
    let estates = ["eu-west-1", "us-east-1"].map(|region| Small::in_region(region, 2));
    let [refused, well] = &estates;
    let sims = estates.iter().map(|small| small.sim.clone()).collect();
    let server = HttpServer::bind_regions(sims, ([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let mut text = String::from("[daemon]\npoll_interval = \"1s\"\nlisten = \"127.0.0.1:0\"\n");
    for small in &estates {
        let region = small.sim.world(|world| world.config().region.clone());
        text.push_str(&format!(
            "[[targets]]\nname = \"{region}\"\nregion = \"{region}\"\n\
             role_arn = \"arn:aws:iam::111122223333:role/eipd\"\n\
             [pools.\"{region}\"]\ntarget = \"{region}\"\nallocations = {:?}\n\
             [[functions]]\nname = \"billing\"\npool = \"{region}\"\n",
            small.allocations
        ));
    }
    refused.sim.deny("sts:AssumeRole");
    let daemon = Running::of(&text, &server);
    assert!(daemon.until(|_| well.is_covered()).await, "{}", daemon.log());
    let is_told = |status: &Value| status.to_string().contains("grant `sts:AssumeRole`");
    assert!(daemon.until(is_told).await);
    refused.sim.allow("sts:AssumeRole");
    assert!(daemon.until(|_| refused.is_covered()).await, "{}", daemon.log());
}

#[tokio::test]
async fn a_role_that_cannot_be_had_yet_is_waited_for_by_a_daemon_alone() {
    let small = Small::with(2);
    let server = served(&small).await;
    let role = "[[targets]]\nname = \"one\"\nregion = \"eu-west-1\"\n\
                role_arn = \"arn:aws:iam::111122223333:role/eipd\"\n";
    let text = format!("{}{role}", configuration(&small));
    small.sim.deny("sts:AssumeRole");
    for verb in ["plan", "apply"] {
        let ended = Bench::new(&text, &server.url()).run(&[verb]).await;
        let said = format!("{}{}", ended.stdout(), ended.stderr());
        assert_eq!((ended.code(), said.matches("grant `sts:AssumeRole`").count()), (Some(1), 1), "{said}");
    }
    let wrong = Bench::new(&text, &server.url()).with("AWS_ACCESS_KEY_ID", "AKIDNOBODYKNOWS");
    let ended = wrong.run(&["run"]).await;
    assert_eq!((ended.code(), ended.stderr().lines().count()), (Some(1), 1), "{}", ended.stderr());
    let daemon = Running::of(&text, &server);
    let is_told = |status: &Value| status.to_string().contains("grant `sts:AssumeRole`");
    assert!(daemon.until(is_told).await, "trust may still propagate: {}", daemon.log());
    assert!(daemon.log().contains("grant `sts:AssumeRole`"), "{}", daemon.log());
    assert!(
        daemon
            .until_metric("eipd_passes_total{outcome=\"failed\",target=\"one\",trigger=\"start\"}", |n| n
                >= 1.0)
            .await
    );
    small.sim.allow("sts:AssumeRole");
    assert!(daemon.until(is_covered).await, "{}", daemon.log());
    assert_eq!(daemon.end().await.0, Some(0));
    assert_lawful(&small.sim);
}

/// What hands out credentials in a container: the latest that it was given, which soon have to be asked for again.
struct Giver {
    url: String,
    key: Arc<Mutex<&'static str>>,
}

impl Giver {
    async fn start(key: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it has one"));
        let key = Arc::new(Mutex::new(key));
        let given = Arc::clone(&key);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_err() {
                    continue;
                }
                let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5);
                let body = json!({
                    "AccessKeyId": *given.lock().expect("nobody panics while holding it"),
                    "SecretAccessKey": SECRET_ACCESS_KEY, "Token": "token", "Expiration": soon.to_string(),
                });
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await.ok();
            }
        });
        Self { url, key }
    }

    fn give(&self, key: &'static str) {
        *self.key.lock().expect("nobody panics while holding it") = key;
    }
}

#[tokio::test]
async fn credentials_that_expire_amid_a_run_are_told_of_and_new_ones_taken_up() {
    const NEXT: &str = "ASIANEXTONE";
    let small = Small::with(2);
    let server = served(&small).await;
    let giver = Giver::start(EIPD_ACCESS_KEY).await;
    let daemon = Running::within(&configuration(&small), &server, |bench| {
        bench.without(&KEYS).with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &giver.url)
    });
    assert!(daemon.until(is_covered).await, "{}", daemon.log());
    small.sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Expired);
    small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
    let is_told = |status: &Value| {
        status["targets"][0]["coverage"] == "unknown" && status.to_string().contains("renew the credentials")
    };
    assert!(daemon.until(is_told).await, "{}", daemon.log());
    assert!(daemon.log().contains("renew the credentials"), "{}", daemon.log());
    assert_eq!(daemon.ask(&["status"]).await.code(), Some(1));
    assert_eq!(daemon.ask(&["health"]).await.code(), Some(0), "a restart would not help");
    let arn = "arn:aws:sts::111122223333:assumed-role/eipd/next";
    small.sim.add_principal(NEXT, Principal::new(arn, "111122223333", Hand::Eipd));
    giver.give(NEXT);
    let recovered = daemon.until(|status| is_covered(status) && small.is_covered()).await;
    assert!(recovered, "{}", daemon.log());
    assert_eq!(daemon.end().await.0, Some(0));
    assert_lawful(&small.sim);
}

#[test]
fn a_daemon_outlives_the_expiry_of_its_credentials_and_so_does_its_queue() {
    on_paused_clock(async {
        let small = Small::with(2);
        let pattern = eipd::events::pattern::event_pattern();
        let url = small.sim.world(|world| world.wire_events_of("eipd", &pattern));
        let daemon = Daemon::start_with_queue(&small.sim, &small.desired, 1, &url).await;
        sleep(Duration::from_secs(30)).await;
        assert!(small.is_covered());
        let before = daemon.heard.reports().len();
        small.sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Expired);
        small.sim.world(|world| world.stray_disassociate(&small.allocations[0]));
        sleep(Duration::from_secs(20 * 60)).await;
        let reports = daemon.heard.reports().split_off(before);
        assert!((5..30).contains(&reports.len()), "{} passes in twenty minutes", reports.len());
        let told = daemon.heard.queue_trouble().expect("the queue is refused too");
        assert!(told.contains("renew the credentials"), "{told}");
        small.sim.set_credentials(EIPD_ACCESS_KEY, Credentials::Valid);
        sleep(Duration::from_secs(6 * 60)).await;
        assert!(small.is_covered(), "no later than the longest wait between two passes");
        assert_eq!(daemon.heard.queue_trouble(), None);
        assert_lawful(&small.sim);
    });
}
