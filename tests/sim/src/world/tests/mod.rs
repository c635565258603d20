//! Laws of the world, on small stages.

mod associations;
mod beliefs;
mod exposure;
mod laws;
mod lifecycle;
mod scale;

use crate::beliefs::Beliefs;
use crate::world::{Timing, VpcConfig, World, WorldConfig};
use std::time::Duration;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
/// Longer than anything takes by itself, idling apart.
pub(super) const LONG: Duration = Duration::from_secs(3600);

/// A VPC with two subnets and two security groups.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) subnets: [String; 2],
    pub(super) groups: [String; 2],
}

pub(super) fn stage() -> Stage {
    stage_with(Beliefs::default())
}

pub(super) fn stage_with(beliefs: Beliefs) -> Stage {
    stage_in(beliefs, Timing::default())
}

pub(super) fn stage_in(beliefs: Beliefs, timing: Timing) -> Stage {
    let mut world = World::new(WorldConfig { seed: 5, beliefs, timing, ..WorldConfig::default() });
    let vpc = world.create_vpc();
    let subnets = [world.create_subnet(&vpc, 'a'), world.create_subnet(&vpc, 'b')];
    let groups = [world.create_security_group(&vpc, "one"), world.create_security_group(&vpc, "two")];
    Stage { world, subnets, groups }
}

impl Stage {
    /// Both subnets with the first group.
    pub(super) fn config(&self) -> VpcConfig {
        VpcConfig::new(&self.subnets, &self.groups[..1])
    }

    /// Both subnets with the second group.
    pub(super) fn other_config(&self) -> VpcConfig {
        VpcConfig::new(&self.subnets, &self.groups[1..])
    }

    /// A function `billing` that is Active with ready interfaces.
    pub(super) fn with_billing(mut self) -> Self {
        let config = self.config();
        self.world.create_active_function("billing", config);
        self
    }

    /// The ids of the interfaces of a subnet and group, by their places.
    pub(super) fn interfaces(&self, subnet: usize, group: usize) -> Vec<String> {
        self.world.pair_interfaces(&self.subnets[subnet], &[&self.groups[group]])
    }

    /// How many interfaces there are.
    pub(super) fn count(&self) -> usize {
        self.world.interfaces().count()
    }
}
