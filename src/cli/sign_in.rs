//! Whether the daemon may begin at all: nobody should find out from a dashboard that it never had credentials. Only the
//! start is judged so; what happens to credentials later is waited out.

use std::time::Duration;

use tokio::time::timeout;

use super::Error;
use crate::reconcile::pass::{Orders, Reconciler};

/// No start waits longer than this for AWS to say whose the credentials are: what is slow is met by the first pass.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks for one target after the other whose credentials these are, until one is let in or does not answer.
///
/// # Errors
/// When every target was refused, the first refusal: there is nothing that such a daemon could do.
pub(super) async fn any(lines: impl IntoIterator<Item = (&mut Reconciler, Orders)>) -> Result<(), Error> {
    let mut first = None;
    let asked = timeout(WITHIN, async {
        for (line, orders) in lines {
            match line.sign_in(&orders).await {
                Err(refusal) if refusal.is_refusal() => first = first.take().or(Some(refusal)),
                Ok(()) | Err(_) => return true,
            }
        }
        false
    });
    let may_begin = asked.await.unwrap_or(true);
    match first {
        Some(refusal) if !may_begin => Err(Error::SignIn(Box::new(refusal))),
        _ => Ok(()),
    }
}
