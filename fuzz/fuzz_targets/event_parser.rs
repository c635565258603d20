//! Any bytes as the body of a queue message: an event within its bounds, or a short refusal.
//!
//! ```sh
//! cargo +nightly fuzz run event_parser -- -dict=fuzz/event_parser.dict -max_total_time=300
//! ```

#![no_main]

use std::error::Error;

use eipd_fuzz::events::event::{Actor, Event, News};
use eipd_fuzz::events::kind::Kind;
use eipd_fuzz::events::parse::{self, MESSAGE_BYTES_MAX};
use libfuzzer_sys::fuzz_target;

/// The longest text that an event or a refusal may hold, in characters.
const CHARS_MAX: usize = 256;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = std::str::from_utf8(bytes) else { return };
    match parse::event(body) {
        Ok(event) => check(&event, body),
        Err(refusal) => {
            let source = refusal.source().map(ToString::to_string).unwrap_or_default();
            assert!(refusal.to_string().len() + source.len() <= CHARS_MAX, "{refusal}: {source}");
        }
    }
});

fn check(event: &Event, body: &str) {
    assert!(body.len() <= MESSAGE_BYTES_MAX);
    assert!(event.actor.as_str().chars().count() <= Actor::CHARS_MAX);
    let texts = [
        Some(event.actor.as_str()),
        event.request_id.as_deref(),
        event.refused.as_deref(),
        Some(&*event.region),
    ];
    for text in texts.into_iter().flatten() {
        assert!(text.chars().count() <= CHARS_MAX && !text.chars().any(char::is_control), "{text:?}");
    }
    let agrees = match &event.news {
        News::InterfaceCreated { .. } => event.kind == Kind::CreateNetworkInterface,
        News::InterfaceDeleted { .. } => event.kind == Kind::DeleteNetworkInterface,
        News::InterfaceChanged { .. } => event.kind == Kind::ModifyNetworkInterfaceAttribute,
        News::AddressAssociated { .. } => event.kind == Kind::AssociateAddress,
        News::AddressDisassociated { .. } => event.kind == Kind::DisassociateAddress,
        News::AddressReleased { .. } => event.kind == Kind::ReleaseAddress,
        News::AddressAllocated { .. } => event.kind == Kind::AllocateAddress,
        News::FunctionChanged { .. } => matches!(
            event.kind,
            Kind::CreateFunction
                | Kind::UpdateFunctionCode
                | Kind::UpdateFunctionConfiguration
                | Kind::DeleteFunction
                | Kind::PublishVersion
                | Kind::CreateAlias
                | Kind::UpdateAlias
                | Kind::DeleteAlias
        ),
        News::Marker { id } => event.kind == Kind::Marker && id.chars().count() <= News::MARKER_CHARS_MAX,
        News::Nothing => true,
    };
    assert!(agrees, "{event:?}");
}
