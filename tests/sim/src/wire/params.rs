//! The parameters of a query-protocol request, each marked when it is read.
//!
//! What was never read is unknown to the operation, and the caller hears of it.

use super::Failure;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// At most so many filter values in one request (AWS.md section 2; confirmed).
const FILTER_VALUES: usize = 200;

/// Parameters by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    values: BTreeMap<String, String>,
    read: RefCell<BTreeSet<String>>,
}

/// One filter of a Describe call: any of the values matches.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

impl Filter {
    /// Whether any value matches; `*` stands for any run of characters and `?` for one, unless a backslash stands
    /// before it (EC2 user guide, filtering of resources; believed).
    pub(crate) fn accepts(&self, text: &str) -> bool {
        self.values.iter().any(|pattern| fits(pattern.as_bytes(), text.as_bytes()))
    }

    /// Whether the values are exact, so that an index may be asked.
    pub(crate) fn is_exact(&self) -> bool {
        !self.values.iter().any(|value| value.contains(['*', '?', '\\']))
    }
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'\\', [wanted, rest @ ..])), found) => {
            found.is_some_and(|(found, left)| wanted == found && fits(rest, left))
        }
        (Some((b'*', rest)), _) => {
            fits(rest, text) || text.split_first().is_some_and(|(_, left)| fits(pattern, left))
        }
        (Some((wanted, rest)), Some((found, left))) => {
            (*wanted == b'?' || wanted == found) && fits(rest, left)
        }
        _ => false,
    }
}

impl Params {
    /// The parameters of a form or of a query.
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        let values = form_urlencoded::parse(encoded).into_owned().collect();
        Self { values, read: RefCell::default() }
    }

    /// A parameter for routing and counting, which does not count as read.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?;
        self.read.borrow_mut().insert(name.to_owned());
        Some(value)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, Failure> {
        let missing = || {
            Failure::new("MissingParameter", 400, format!("The request must contain the parameter {name}"))
        };
        self.text(name).filter(|value| !value.is_empty()).ok_or_else(missing)
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(invalid(name, other)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, Failure> {
        self.text(name).map(|text| text.parse().map_err(|_| invalid(name, text))).transpose()
    }

    /// `Name.1`, `Name.2`, … in order.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|number| self.text(&format!("{name}.{number}"))).collect()
    }

    /// Whether any parameter starts with `name` and a dot.
    pub(crate) fn has_any(&self, name: &str) -> bool {
        self.values.keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// `Filter.1.Name`, `Filter.1.Value.1`, ….
    ///
    /// # Errors
    /// `FilterLimitExceeded` with more than 200 values.
    pub(crate) fn filters(&self) -> Result<Vec<Filter>, Failure> {
        let mut filters = Vec::new();
        while let Some(name) = self.text(&format!("Filter.{}.Name", filters.len() + 1)) {
            let values = self.list(&format!("Filter.{}.Value", filters.len() + 1));
            let values = values.into_iter().map(str::to_owned).collect();
            filters.push(Filter { name: name.to_owned(), values });
        }
        if filters.iter().map(|filter| filter.values.len()).sum::<usize>() > FILTER_VALUES {
            let message = "The maximum number of filter values specified on a single call is 200";
            return Err(Failure::new("FilterLimitExceeded", 400, message));
        }
        Ok(filters)
    }

    /// The parameters that nobody read.
    pub(crate) fn unread(&self) -> Vec<&str> {
        let read = self.read.borrow();
        self.values.keys().map(String::as_str).filter(|name| !read.contains(*name)).collect()
    }

    /// A number that differs between queries; page tokens do not count.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let counted = self.values.iter().filter(|(name, _)| !matches!(name.as_str(), "NextToken" | "Marker"));
        for byte in counted.flat_map(|(name, value)| name.bytes().chain([0]).chain(value.bytes()).chain([1]))
        {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash
    }

    /// The parameters in one line for the journal; a list of more than three prints as its length.
    pub(crate) fn summary(&self) -> String {
        let named = self.values.iter().filter(|(name, _)| !matches!(name.as_str(), "Action" | "Version"));
        let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in named {
            let bare = name.rsplit_once('.').filter(|(_, last)| last.bytes().all(|b| b.is_ascii_digit()));
            lists.entry(bare.map_or(name.as_str(), |(bare, _)| bare)).or_default().push(value);
        }
        let mut line = String::new();
        for (name, values) in lists {
            let gap = if line.is_empty() { "" } else { " " };
            let _ = match values.as_slice() {
                few if few.len() <= 3 => write!(line, "{gap}{name}={}", few.join(",")),
                many => write!(line, "{gap}{name}=[{}]", many.len()),
            };
        }
        line
    }
}

fn invalid(name: &str, value: &str) -> Failure {
    let message = format!("Value ({value}) for parameter {name} is invalid.");
    Failure::new("InvalidParameterValue", 400, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_reads_is_known_afterwards() {
        let params = Params::parse(b"Action=X&A.1=one&A.2=two&B=3");
        params.text("Action");
        assert_eq!(params.list("A"), ["one", "two"]);
        assert_eq!(params.unread(), ["B"]);
        assert_eq!(params.summary(), "A=one,two B=3");
    }

    #[test]
    fn more_than_two_hundred_filter_values_are_refused() {
        let query = |count: usize| {
            let values: String = (1..=count).map(|n| format!("&Filter.1.Value.{n}=v")).collect();
            Params::parse(format!("Filter.1.Name=f{values}").as_bytes())
        };
        assert_eq!(query(200).filters().expect("within the limit")[0].values.len(), 200);
        assert_eq!(query(201).filters().expect_err("over the limit").code, "FilterLimitExceeded");
    }

    #[test]
    fn stars_and_question_marks_match_in_filters() {
        let filter = |value: &str| Filter { name: String::new(), values: vec![value.to_owned()] };
        assert!(filter("AWS Lambda*").accepts("AWS Lambda VPC ENI-x"));
        assert!(filter("a?c").accepts("abc"));
        assert!(!filter("a?c").accepts("ac"));
        assert!(!filter("ab").accepts("abc"));
    }
}
