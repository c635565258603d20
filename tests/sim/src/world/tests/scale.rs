//! Many interfaces are filled in and covered in time that grows with their number, not with its square.

use super::*;
use crate::world::Population;

#[test]
fn a_large_account_is_filled_and_covered() {
    let mut world = World::new(WorldConfig::default());
    let size = Population { functions: 250, subnets_per_function: 4, subnets: 12, interfaces_per_pair: 2 };
    let names = world.populate(&size);
    assert_eq!((names.len(), world.interfaces().count()), (250, 2000));
    let allocations = world.allocate_many(2000);
    let ips: Vec<String> = world.addresses().map(|address| address.public_ip.clone()).collect();
    for name in names.iter().take(10) {
        world.expect(name, &ips);
    }
    assert_eq!(world.uncovered().len(), 10);
    assert_eq!(world.cover(&allocations), 2000);
    assert_eq!(world.uncovered(), [""; 0]);
    assert!(names.iter().all(|name| world.egress(name).complete()));
}
