//! The simulated account and the operator's file: two functions on two subnets, a pool of four addresses, and a queue that
//! EventBridge fills. Its verbs are what happens to the account; it repairs nothing.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use eipd_sim::{
    EIPD_ACCESS_KEY, EventWeather, InterfaceStatus, LastUpdate, Outcome, SECRET_ACCESS_KEY, Sim, Span,
    Timing, VpcConfig, World, WorldConfig,
};
use tempfile::TempDir;

/// The declared functions.
const FUNCTIONS: [&str; 2] = ["billing", "reports"];

/// The pool that serves them.
const POOL: &str = "partner-a";

/// How often `billing` is given another security group.
const CHANGES: usize = 2;

/// From a call until its event is in the queue.
const EVENTS_TAKE: Span = Span { shortest: Duration::from_millis(300), longest: Duration::from_millis(700) };

/// The account, the file, and what the story knows of them.
pub(crate) struct Stage {
    sim: Sim,
    folder: TempDir,
    port: u16,
    subnets: [String; 2],
    groups: [String; 2],
    /// The groups that `billing` is given one after the other.
    new_groups: [String; CHANGES],
    allocations: Vec<String>,
    queue: String,
}

impl Stage {
    /// Makes the account and writes the file.
    pub(crate) fn set() -> anyhow::Result<Self> {
        // Long enough for the grace to be over first, and short enough to be waited for.
        let timing =
            Timing { lingering: Span::seconds(6, 8), update: Span::seconds(3, 3), ..Timing::quick() };
        let sim = Sim::new(WorldConfig { seed: 7, timing, ..WorldConfig::default() });
        sim.set_events(EventWeather::delayed(EVENTS_TAKE));
        let (subnets, groups, new_groups, allocations, queue) = sim.world(|world| {
            let vpc = world.create_vpc();
            let subnets = ['a', 'b'].map(|zone| world.create_subnet(&vpc, zone));
            let groups = FUNCTIONS.map(|name| world.create_security_group(&vpc, name));
            let new_groups = ["billing-2", "billing-3"].map(|name| world.create_security_group(&vpc, name));
            for (name, group) in FUNCTIONS.iter().zip(&groups) {
                world.create_active_function(name, VpcConfig::new(&subnets, &[group]));
            }
            let queue = world.wire_events_of("eipd", &eipd::events::pattern::event_pattern());
            (subnets, groups, new_groups, world.allocate_many(4), queue)
        });
        let folder = tempfile::Builder::new().prefix("eipd-demo-").tempdir()?;
        let port = free_port()?;
        let stage = Self { sim, folder, port, subnets, groups, new_groups, allocations, queue };
        stage.write_config()?;
        Ok(stage)
    }

    /// From now on the data plane counts the seconds without a way out.
    pub(crate) fn begin(&self) {
        self.sim.world(|world| {
            for name in FUNCTIONS {
                world.declare(name, &self.allocations);
            }
        });
    }

    /// The simulated AWS.
    pub(crate) fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Does something with the world.
    pub(crate) fn world<R>(&self, f: impl FnOnce(&mut World) -> R) -> R {
        self.sim.world(f)
    }

    /// Where the daemon serves its pages.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The operator's file.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.path().join("eipd.toml")
    }

    /// Where the daemon's log goes.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.folder.path().join("eipd.log")
    }

    /// Leaves the folder with log and file behind; returns it.
    pub(crate) fn keep_folder(&mut self) -> &Path {
        self.folder.disable_cleanup(true);
        self.folder.path()
    }

    /// What the daemon is told of AWS.
    pub(crate) fn environment(&self, endpoint: &str) -> Vec<(&'static str, String)> {
        let region = self.sim.world(|world| world.config().region.clone());
        let nothing = self.folder.path().join("absent").display().to_string();
        vec![
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("AWS_REGION", region),
            ("AWS_ACCESS_KEY_ID", EIPD_ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", nothing.clone()),
            ("AWS_SHARED_CREDENTIALS_FILE", nothing),
            ("EIPD_LOG_FORMAT", "text".to_owned()),
        ]
    }

    /// The interfaces that serve declared functions now.
    pub(crate) fn serving(&self) -> Vec<String> {
        self.world(|world| {
            let in_use = world.interfaces().filter(|eni| eni.status() == InterfaceStatus::InUse);
            in_use.map(|eni| eni.id.clone()).collect()
        })
    }

    /// The operator gives `billing` another security group, for the first time or the second. Returns the new interfaces.
    pub(crate) fn change_billing(&self, time: usize) -> anyhow::Result<Vec<String>> {
        let group = &self.new_groups[time];
        let config = VpcConfig::new(&self.subnets, &[group]);
        self.world(|world| {
            world.update_function_vpc(FUNCTIONS[0], config, Outcome::Succeeds, None)?;
            Ok(self.interfaces(world, group))
        })
    }

    /// Whether `billing` has done with its last change.
    pub(crate) fn is_changed(&self) -> bool {
        self.world(|world| {
            world.unit(FUNCTIONS[0]).is_some_and(|unit| unit.last_update == LastUpdate::Successful)
        })
    }

    /// How many addresses are on nothing.
    pub(crate) fn spares(&self) -> usize {
        self.world(|world| {
            let free =
                |id: &&String| world.address(id).is_some_and(|address| address.association().is_none());
            self.allocations.iter().filter(free).count()
        })
    }

    fn interfaces(&self, world: &World, group: &str) -> Vec<String> {
        self.subnets.iter().flat_map(|subnet| world.pair_interfaces(subnet, &[group])).collect()
    }

    /// Lambda adds an interface for `reports` in a subnet, the first or the second.
    pub(crate) fn overflow(&self, subnet: usize) -> String {
        self.world(|world| world.overflow(&self.subnets[subnet], &[&self.groups[1]]))
    }

    /// Somebody takes the address off an interface of `reports`. Returns interface and address.
    pub(crate) fn stray_hand(&self) -> anyhow::Result<(String, String)> {
        self.world(|world| {
            let interface = self.interfaces(world, &self.groups[1]).remove(0);
            let ip =
                world.address_of(&interface).context("every interface has an address by now")?.to_owned();
            let allocation = self.allocations.iter().find(|id| world.public_ip(id) == ip);
            world.stray_disassociate(allocation.context("the address is of the pool")?);
            Ok((interface, ip))
        })
    }

    /// The operator allocates so many addresses and adds them to the file. Returns them as the world sees them.
    pub(crate) fn add_addresses(&mut self, count: usize) -> anyhow::Result<Vec<String>> {
        let more = self.world(|world| world.allocate_many(count));
        let ips = self.world(|world| more.iter().map(|id| world.public_ip(id).to_owned()).collect());
        self.allocations.extend(more);
        self.begin();
        self.write_config()?;
        Ok(ips)
    }

    /// The public address on an interface that serves; none when it does not serve, or carries none.
    pub(crate) fn way_out(&self, interface: &str) -> Option<String> {
        self.world(|world| {
            let serves = world.interface(interface)?.status() == InterfaceStatus::InUse;
            serves.then(|| world.address_of(interface).map(str::to_owned))?
        })
    }

    /// For each function the seconds so far in which an interface of it had no way out, or a wrong one.
    pub(crate) fn gap_seconds(&self) -> Vec<f64> {
        self.world(|world| {
            world.exposures().iter().map(|(_, gap)| gap.bare_seconds + gap.wrong_seconds).collect()
        })
    }

    /// Written beside and renamed into place, so that the daemon never sees half a file.
    fn write_config(&self) -> anyhow::Result<()> {
        let ids: Vec<String> = self.allocations.iter().map(|id| format!("    \"{id}\",\n")).collect();
        let functions =
            FUNCTIONS.map(|name| format!("\n[[functions]]\nname = \"{name}\"\npool = \"{POOL}\"\n"));
        let text = format!(
            "[daemon]\npoll_interval = \"60s\"\nlisten = \"127.0.0.1:{}\"\n\n[events]\nqueue_url = \"{}\"\n\n[pools.{POOL}]\nallocations = [\n{}]\n{}",
            self.port,
            self.queue,
            ids.concat(),
            functions.concat(),
        );
        let draft = self.folder.path().join("eipd.toml.new");
        std::fs::write(&draft, text)?;
        std::fs::rename(&draft, self.config_path())?;
        Ok(())
    }
}

/// Free a moment ago; the daemon says so if somebody else was quicker.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("there is no free loopback port")?;
    Ok(listener.local_addr()?.port())
}
