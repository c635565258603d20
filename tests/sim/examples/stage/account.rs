//! The account that is served: how it is asked for, what is told of it, and what a line of the input does to it.

use eipd_sim::world::Interface;
use eipd_sim::{
    Beliefs, EIPD_ACCESS_KEY, Effect, Fault, InterfaceStatus, Limits, Population, Queue, SECRET_ACCESS_KEY,
    STRAY_ACCESS_KEY, Sim, Span, Staleness, Timing, World, WorldConfig,
};
use std::time::Duration;

/// The queue's name.
const QUEUE: &str = "eipd";

/// What the queue is told of: what changes interfaces, addresses and functions.
const PATTERN: &str = r#"{"source":["aws.ec2","aws.lambda"]}"#;

/// What was asked for.
#[derive(Default)]
pub(crate) struct Wanted {
    functions: usize,
    per_pair: usize,
    subnets: usize,
    spares: usize,
    covered: bool,
    queue: bool,
    quick: bool,
    unthrottled: bool,
    pub(crate) seed: u64,
    beliefs: Beliefs,
}

impl Wanted {
    /// What the arguments ask for, or what is wrong with them.
    pub(crate) fn read(arguments: &[String]) -> Result<Self, String> {
        let mut wanted = Self { per_pair: 1, subnets: 2, seed: 1, ..Self::default() };
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{flag} wants a value"));
            match flag.as_str() {
                "--functions" => wanted.functions = number(value()?)?,
                "--per-pair" => wanted.per_pair = number(value()?)?,
                "--subnets" => wanted.subnets = number(value()?)?,
                "--spares" => wanted.spares = number(value()?)?,
                "--seed" => wanted.seed = number(value()?)?,
                "--beliefs" => wanted.beliefs = value()?.parse()?,
                "--covered" => wanted.covered = true,
                "--queue" => wanted.queue = true,
                "--quick" => wanted.quick = true,
                "--unthrottled" => wanted.unthrottled = true,
                other => return Err(format!("{other} is not known")),
            }
        }
        Ok(wanted)
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

/// The account.
pub(crate) struct Account {
    pub(crate) sim: Sim,
    /// The functions' names.
    pub(crate) functions: Vec<String>,
    /// For each function the security group that it does not have at first.
    pub(crate) second_groups: Vec<String>,
    pub(crate) allocations: Vec<String>,
    subnets: Vec<String>,
    queue_url: Option<String>,
}

impl Account {
    /// Makes it.
    pub(crate) fn set(wanted: &Wanted) -> Self {
        let timing = if wanted.quick { Timing::quick() } else { Timing::default() };
        let sim = Sim::new(WorldConfig {
            seed: wanted.seed,
            beliefs: wanted.beliefs,
            timing,
            ..WorldConfig::default()
        });
        if wanted.unthrottled {
            sim.set_throttle(None::<Limits>);
        }
        let (functions, second_groups, allocations, subnets, queue_url) = sim.world(|world| {
            let population = Population {
                functions: wanted.functions,
                subnets_per_function: 2.min(wanted.subnets),
                subnets: wanted.subnets,
                interfaces_per_pair: wanted.per_pair,
            };
            let functions = world.populate(&population);
            let vpc = world.vpcs().next().map(|vpc| vpc.id.clone()).unwrap_or_default();
            let second = functions.iter().map(|name| world.create_security_group(&vpc, &format!("{name}-2")));
            let second: Vec<String> = second.collect();
            let allocations = world.allocate_many(world.interfaces().count() + wanted.spares);
            if wanted.covered {
                world.cover(&allocations);
            }
            world.manage(&allocations, &functions);
            let queue_url = wanted.queue.then(|| world.wire_events_of(QUEUE, PATTERN));
            let subnets = world.subnets().iter().map(|subnet| subnet.id.clone()).collect();
            (functions, second, allocations, subnets, queue_url)
        });
        Self { sim, functions, second_groups, allocations, subnets, queue_url }
    }

    /// What is to be known of it.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let config = self.sim.world(|world| world.config().clone());
        vec![
            ("ACCOUNT", config.account),
            ("REGION", config.region),
            ("BELIEFS", config.beliefs.to_string()),
            ("ACCESS_KEY", EIPD_ACCESS_KEY.to_owned()),
            ("STRAY_ACCESS_KEY", STRAY_ACCESS_KEY.to_owned()),
            ("SECRET_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("SUBNETS", self.subnets.join(",")),
            ("FUNCTIONS", self.functions.join(",")),
            ("ALLOCATIONS", self.allocations.join(",")),
            ("QUEUE", self.queue_url.clone().unwrap_or_default()),
        ]
    }

    /// Does what a line says, and tells what was done.
    pub(crate) fn obey(&self, verb: &str, rest: &str) -> Result<String, String> {
        match (verb, rest) {
            ("latency", text) => {
                let time = Duration::from_millis(number(text)?);
                self.sim.set_latency((!time.is_zero()).then_some(Span::exactly(time)));
                Ok(format!("every call takes {} ms", time.as_millis()))
            }
            ("storm", "on") => {
                self.storm();
                Ok("it storms".to_owned())
            }
            ("storm", "off") => {
                self.sim.clear_faults();
                self.sim.set_latency(None);
                self.sim.set_staleness(Staleness::default());
                Ok("it is calm".to_owned())
            }
            ("bare", text) => Ok(format!("{} addresses taken off", self.take_off(number(text)?))),
            ("flood", text) => self.flood(number(text)?),
            ("tell", "") => Ok(self.tell()),
            _ => Err(format!("{verb} {rest}: not understood")),
        }
    }

    fn storm(&self) {
        let rare = [
            (Effect::Throttle, 0.05),
            (Effect::Unavailable, 0.03),
            (Effect::LostAnswer, 0.02),
            (Effect::InternalErrorAfter, 0.02),
            (Effect::Truncated, 0.01),
            (Effect::Hang, 0.002),
        ];
        for (effect, rate) in rare {
            self.sim.inject(Fault::new(effect).rate(rate));
        }
        let (shortest, longest) = (Duration::from_millis(10), Duration::from_millis(200));
        self.sim.set_latency(Some(Span { shortest, longest }));
        let most = Duration::from_secs(5);
        self.sim.set_staleness(Staleness { addresses: most, interfaces: most });
    }

    fn take_off(&self, count: usize) -> usize {
        self.sim.world(|world| {
            let mut taken = 0;
            for allocation in &self.allocations {
                taken += usize::from(taken < count && world.stray_disassociate(allocation));
            }
            taken
        })
    }

    fn flood(&self, count: usize) -> Result<String, String> {
        if self.queue_url.is_none() {
            return Err("there is no queue".to_owned());
        }
        self.sim.world(|world| {
            let interfaces: Vec<String> = world.interfaces().map(|one| one.id.clone()).collect();
            for number in 0..count {
                let body = deletion(&interfaces[number % interfaces.len()], number, world);
                world.send_message(QUEUE, &body, None).map_err(|refusal| refusal.to_string())?;
            }
            Ok(format!("{count} messages"))
        })
    }

    fn tell(&self) -> String {
        let associates = self.sim.calls("AssociateAddress");
        let (calls, complaints) = (self.sim.call_count(), self.sim.complaints().len());
        let violations = self.sim.violations().len();
        self.sim.world(|world| {
            let used = |one: &&Interface| one.status() == InterfaceStatus::InUse;
            let bare = world.interfaces().filter(used).filter(|one| one.association().is_none()).count();
            let all = world.interfaces().filter(used).count();
            let waiting = world.queue(QUEUE).map_or(0, Queue::len);
            format!(
                "interfaces={all} bare={bare} calls={calls} associates={associates} waiting={waiting} \
                 complaints={complaints} violations={violations}"
            )
        })
    }
}

/// The record of Lambda deleting an interface, as AWS.md section 3 has it.
fn deletion(interface: &str, number: usize, world: &World) -> String {
    let (account, region) = (&world.config().account, &world.config().region);
    format!(
        r#"{{"version":"0","id":"{number}","detail-type":"AWS API Call via CloudTrail","source":"aws.ec2","account":"{account}","time":"2026-11-23T00:00:00Z","region":"{region}","resources":[],"detail":{{"eventVersion":"1.08","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:awslambda_1","arn":"arn:aws:sts::{account}:assumed-role/exec-role/awslambda_1","accountId":"{account}"}},"eventTime":"2026-11-23T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DeleteNetworkInterface","awsRegion":"{region}","requestParameters":{{"networkInterfaceId":"{interface}"}},"responseElements":{{"requestId":"r-{number}","_return":true}}}}}}"#
    )
}
