//! Maximum bipartite matching between groups of equal interfaces and groups of equal addresses. Groups make it
//! fast: an estate has far fewer different wishes than interfaces. Demands that came first are never given up for
//! later ones, so calling in order of precedence serves precedence first and still serves as many as possible.

use std::collections::{BTreeMap, VecDeque};

/// How many units of each supply group go to each demand group.
pub struct Matching {
    /// For each demand group the supply groups that fit it.
    fits: Vec<Vec<usize>>,
    /// What is left of each supply group.
    left: Vec<usize>,
    /// For each supply group the demand groups that it serves, and with how many units.
    serves: Vec<BTreeMap<usize, usize>>,
}

/// One way to serve a demand: from the demand over supply groups that are rerouted to one with something left.
struct Path {
    /// (demand, supply) steps; each supply but the last is taken over from the next step's demand.
    steps: Vec<(usize, usize)>,
}

impl Matching {
    /// Starts with nothing matched: `fits[d]` lists the supply groups that may serve demand group `d`, and
    /// `supplies[s]` is the size of supply group `s`.
    #[must_use]
    pub fn new(fits: Vec<Vec<usize>>, supplies: Vec<usize>) -> Self {
        let serves = vec![BTreeMap::new(); supplies.len()];
        Self { fits, left: supplies, serves }
    }

    /// Serves up to `wanted` further units of a demand group, rerouting earlier ones where that helps, and tells how many.
    pub fn serve(&mut self, demand: usize, wanted: usize) -> usize {
        let mut served = 0;
        while served < wanted {
            let Some(path) = self.find_path(demand, &mut BTreeMap::new()) else { break };
            served += self.push(&path, wanted - served);
        }
        served
    }

    /// The matching as (demand group, supply group, units), in ascending order of the supply group.
    pub fn units(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        self.serves.iter().enumerate().flat_map(|(supply, demands)| {
            demands.iter().map(move |(&demand, &units)| (demand, supply, units))
        })
    }

    /// The demand groups in whose place one more unit of this one could have been served; none while there is something
    /// left for it.
    #[must_use]
    pub fn served_instead(&self, demand: usize) -> Vec<usize> {
        let mut instead = BTreeMap::new();
        let path = self.find_path(demand, &mut instead);
        if path.is_some() { Vec::new() } else { instead.into_keys().collect() }
    }

    /// Breadth first, so the path is a shortest one and reroutes as little as possible. Notes each demand that is
    /// reached, with the supply that would be taken over from it.
    fn find_path(&self, start: usize, rerouted_over: &mut BTreeMap<usize, usize>) -> Option<Path> {
        let mut reached_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(demand) = queue.pop_front() {
            for &supply in &self.fits[demand] {
                if reached_from.contains_key(&supply) {
                    continue;
                }
                reached_from.insert(supply, demand);
                if self.left[supply] > 0 {
                    return Some(Path::backwards(supply, &reached_from, rerouted_over));
                }
                for &other in self.serves[supply].keys() {
                    if other != start && !rerouted_over.contains_key(&other) {
                        rerouted_over.insert(other, supply);
                        queue.push_back(other);
                    }
                }
            }
        }
        None
    }

    fn push(&mut self, path: &Path, wanted: usize) -> usize {
        let last = path.steps.last().map_or(0, |(_, supply)| self.left[*supply]);
        let taken_over = path.steps.windows(2).map(|pair| self.serves[pair[0].1][&pair[1].0]);
        let units = taken_over.fold(last.min(wanted), usize::min);
        for pair in path.steps.windows(2) {
            self.change(pair[0].1, pair[1].0, |served| served - units);
        }
        for &(demand, supply) in &path.steps {
            self.change(supply, demand, |served| served + units);
        }
        if let Some(&(_, supply)) = path.steps.last() {
            self.left[supply] -= units;
        }
        units
    }

    fn change(&mut self, supply: usize, demand: usize, to: impl Fn(usize) -> usize) {
        let served = to(self.serves[supply].get(&demand).copied().unwrap_or(0));
        if served == 0 {
            self.serves[supply].remove(&demand);
        } else {
            self.serves[supply].insert(demand, served);
        }
    }
}

impl Path {
    fn backwards(
        mut supply: usize,
        reached_from: &BTreeMap<usize, usize>,
        rerouted_over: &BTreeMap<usize, usize>,
    ) -> Self {
        let mut steps = Vec::new();
        loop {
            let demand = reached_from[&supply];
            steps.push((demand, supply));
            match rerouted_over.get(&demand) {
                Some(&before) => supply = before,
                None => break,
            }
        }
        steps.reverse();
        Self { steps }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn served(fits: &[Vec<usize>], supplies: &[usize], demands: &[usize]) -> (usize, Matching) {
        let mut matching = Matching::new(fits.to_vec(), supplies.to_vec());
        let total = demands.iter().enumerate().map(|(demand, &units)| matching.serve(demand, units)).sum();
        (total, matching)
    }

    /// Tries everything: each unit of each demand goes to any supply that fits, or nowhere.
    fn best(fits: &[Vec<usize>], supplies: &mut [usize], demands: &[usize]) -> usize {
        let Some((&units, rest)) = demands.split_first() else { return 0 };
        let (here, later) = (&fits[0], &fits[1..]);
        if units == 0 {
            return best(later, supplies, rest);
        }
        let mut fewer = demands.to_vec();
        fewer[0] -= 1;
        let mut most = best(fits, supplies, &fewer);
        for &supply in here {
            if supplies[supply] > 0 {
                supplies[supply] -= 1;
                most = most.max(1 + best(fits, supplies, &fewer));
                supplies[supply] += 1;
            }
        }
        most
    }

    #[test]
    fn an_earlier_demand_is_rerouted_but_never_given_up() {
        // The first demand may use both supplies and takes the first; the second fits only that one.
        let (total, matching) = served(&[vec![0, 1], vec![0]], &[1, 1], &[1, 1]);
        assert_eq!(total, 2);
        assert_eq!(matching.units().collect::<Vec<_>>(), [(1, 0, 1), (0, 1, 1)]);
        // When there is too little, the first keeps what it has.
        let (total, matching) = served(&[vec![0], vec![0]], &[1], &[1, 1]);
        assert_eq!((total, matching.units().collect::<Vec<_>>()), (1, vec![(0, 0, 1)]));
    }

    #[test]
    fn whoever_could_have_made_room_is_told() {
        // The second may use both supplies, and so the third is short of what the first has; the fourth of nothing.
        let fits = [vec![0], vec![0, 1], vec![1], vec![2]];
        let (total, matching) = served(&fits, &[1, 1, 1], &[1, 1, 1, 0]);
        assert_eq!((total, matching.served_instead(2)), (2, vec![0, 1]));
        assert!(matching.served_instead(3).is_empty());
    }

    proptest! {
        #[test]
        fn no_other_matching_serves_more(
            fits in prop::collection::vec(prop::collection::btree_set(0usize..4, 0..4), 4),
            supplies in prop::collection::vec(0usize..3, 4),
            demands in prop::collection::vec(0usize..3, 4),
        ) {
            let fits: Vec<Vec<usize>> = fits.into_iter().map(|set| set.into_iter().collect()).collect();
            let (total, matching) = served(&fits, &supplies, &demands);
            prop_assert_eq!(total, best(&fits, &mut supplies.clone(), &demands));
            for (demand, supply, units) in matching.units() {
                prop_assert!(fits[demand].contains(&supply) && units > 0);
            }
            for (supply, &size) in supplies.iter().enumerate() {
                prop_assert!(matching.units().filter(|u| u.1 == supply).map(|u| u.2).sum::<usize>() <= size);
            }
        }
    }
}
