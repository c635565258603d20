//! Page tokens: opaque, and good only for the query that they came from.
//!
//! A token says where to go on, never what the earlier pages held: what changes between pages is missed or seen
//! anew, as with AWS.

use super::Failure;
use super::params::Params;

/// A place in a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The page that is asked for, from one.
    pub(crate) page: u32,
    /// The last thing of the page before; empty on the first.
    pub(crate) after: String,
}

impl Cursor {
    /// The token for the page after the one that ended with `last`.
    pub(crate) fn next_token(&self, params: &Params, last: &str) -> String {
        let text = format!("{:016x}.{}.{last}", params.fingerprint(), self.page + 1);
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The place that `token` names, whichever query it is from.
    pub(crate) fn decode(token: Option<&str>) -> Option<(u64, Self)> {
        let Some(token) = token else { return Some((0, Self { page: 1, after: String::new() })) };
        let digits = (0..token.len()).step_by(2);
        let bytes =
            digits.map(|at| u8::from_str_radix(token.get(at..at + 2)?, 16).ok()).collect::<Option<Vec<u8>>>();
        let text = String::from_utf8(bytes?).ok()?;
        let mut parts = text.splitn(3, '.');
        let fingerprint = u64::from_str_radix(parts.next()?, 16).ok()?;
        let page = parts.next()?.parse().ok()?;
        Some((fingerprint, Self { page, after: parts.next()?.to_owned() }))
    }

    /// The place that the request asks for.
    ///
    /// # Errors
    /// `code` for a token that is not one, or is another query's.
    pub(crate) fn of(params: &Params, name: &str, code: &'static str) -> Result<Self, Failure> {
        let token = params.text(name).filter(|token| !token.is_empty());
        let decoded = Self::decode(token);
        match decoded {
            Some((fingerprint, cursor)) if token.is_none() || fingerprint == params.fingerprint() => {
                Ok(cursor)
            }
            _ => Err(Failure::new(code, 400, "The specified pagination token is not valid or is expired.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_only_for_its_own_query() {
        let query = Params::parse(b"A=1");
        let token = Cursor { page: 1, after: String::new() }.next_token(&query, "17");
        let again = Params::parse(format!("A=1&NextToken={token}").as_bytes());
        let other = Params::parse(format!("A=2&NextToken={token}").as_bytes());
        let place = Cursor::of(&again, "NextToken", "Bad").expect("its own query");
        assert_eq!((place.page, place.after.as_str()), (2, "17"));
        assert_eq!(Cursor::of(&other, "NextToken", "Bad").expect_err("another query").code, "Bad");
    }
}
