//! The arithmetic of docs/COMPARISON.md: its table and its points of balance follow from the prices that it names, and what
//! the template runs is what it prices.

use crate::documents::repository;

const HOURS: f64 = 730.0;

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cells of the first row that begins so.
fn row(text: &str, beginning: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with(&format!("| {beginning}")));
    let line = line.unwrap_or_else(|| panic!("there is a row `{beginning}`"));
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

fn dollars(cell: &str) -> f64 {
    let number: String = cell.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    number.parse().unwrap_or_else(|_| panic!("`{cell}` is a price"))
}

/// What the prices come to in a month.
struct Prices {
    gateway: f64,
    gateway_gb: f64,
    address: f64,
    task: f64,
}

impl Prices {
    fn read(text: &str) -> Self {
        let hourly = |beginning| {
            let cells = row(text, beginning);
            let month = dollars(&cells[1]) * HOURS;
            assert!((month - dollars(&cells[2])).abs() < 0.006, "{beginning}: {month} a month");
            month
        };
        hourly("the same, x86");
        Self {
            gateway: hourly("NAT gateway | $"),
            gateway_gb: dollars(&row(text, "each GB through it")[2]),
            address: hourly("public IPv4 address"),
            task: hourly("Fargate task of 0.25 vCPU and 0.5 GB, ARM"),
        }
    }

    fn gateways(&self, zones: f64) -> f64 {
        zones * (self.gateway + self.address)
    }

    /// The task has a public address of its own.
    fn eipd(&self, addresses: f64) -> f64 {
        self.task + self.address + addresses * self.address
    }

    /// How many addresses cost less than this.
    fn addresses_for(&self, budget: f64) -> f64 {
        ((budget - self.eipd(0.0)) / self.address).floor()
    }
}

fn fits(cells: &[String], fixed: f64, each_gb: f64) {
    let shown: Vec<f64> = cells.iter().map(|cell| dollars(cell)).collect();
    assert!((shown[0] - fixed).abs() < 0.006, "{cells:?}: {fixed} fixed");
    for (shown, gb) in shown[1..].iter().zip([100.0, 1000.0, 10_000.0]) {
        assert!((shown - (fixed + gb * each_gb)).abs() <= 0.51, "{cells:?}: at {gb} GB");
    }
}

#[test]
fn the_table_follows_from_the_prices() {
    let text = read("docs/COMPARISON.md");
    let prices = Prices::read(&text);
    for zones in 1..=3 {
        let cells = row(&text, &format!("NAT gateway | {zones} |"));
        fits(&cells[2..], prices.gateways(f64::from(zones)), prices.gateway_gb);
    }
    for addresses in [2, 3, 5, 20] {
        let cells = row(&text, &format!("eipd, {addresses} addresses"));
        fits(&cells[2..], prices.eipd(f64::from(addresses)), 0.0);
    }
}

#[test]
fn the_points_of_balance_follow_from_the_prices() {
    let text = read("docs/COMPARISON.md");
    let prices = Prices::read(&text);
    let [one, two, three] = [1.0, 2.0, 3.0].map(|zones| prices.addresses_for(prices.gateways(zones)));
    let balance = format!("{one} addresses against one zone, {two} against two, {three} against three");
    assert!(text.contains(&balance), "{balance}");
    let readme = read("README.md").replace('\n', " ");
    let balance =
        format!("at {one} addresses against one zone's gateway, {two} against two, {three} against three");
    assert!(readme.contains(&balance), "{balance}");
    assert!(readme.contains(&format!("about ${} a month", prices.eipd(0.0).round())));
    let with_a_tb = prices.addresses_for(prices.gateways(1.0) + 1000.0 * prices.gateway_gb);
    assert!(text.replace('\n', " ").contains(&format!("the balance is at   {with_a_tb} addresses")));
    let instead = (prices.gateways(1.0) / prices.address).floor();
    assert!(text.contains(&format!("as much as **{instead} addresses**")));
}

#[test]
fn what_is_priced_is_what_the_template_runs() {
    let template = read("deploy/cloudformation/eipd-service.yaml");
    for said in ["Cpu: \"256\"\n", "Memory: \"512\"\n", "CpuArchitecture: ARM64", "Default: ENABLED"] {
        assert!(template.contains(said), "{said}");
    }
}
