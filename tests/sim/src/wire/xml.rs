//! Writing XML straight into a string.
//!
//! Elements and text only, which is all that the query protocols need; reading XML is the caller's business.

use std::borrow::Cow;
use std::fmt::{Display, Write};

/// The namespace of EC2's answers.
pub(crate) const EC2: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
/// The namespace of STS's answers.
pub(crate) const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// A document under construction.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    out: String,
}

impl Xml {
    /// An EC2 answer to `operation`, open, with its request id.
    pub(crate) fn ec2(operation: &str, request_id: &str, capacity: usize) -> Self {
        let mut out = String::with_capacity(capacity + 512);
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = write!(out, "<{operation}Response xmlns=\"{EC2}\"><requestId>{request_id}</requestId>");
        Self { out }
    }

    /// Closes what [`Xml::ec2`] opened.
    pub(crate) fn end(mut self, operation: &str) -> String {
        let _ = write!(self.out, "</{operation}Response>");
        self.out
    }

    /// What was written.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    pub(crate) fn open(&mut self, tag: &str) {
        self.out.push('<');
        self.out.push_str(tag);
        self.out.push('>');
    }

    pub(crate) fn close(&mut self, tag: &str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
    }

    /// An element with text.
    pub(crate) fn leaf(&mut self, tag: &str, text: &str) {
        self.open(tag);
        self.out.push_str(&escaped(text));
        self.close(tag);
    }

    /// An element with something that prints without characters to escape: a number, a flag, an address.
    pub(crate) fn plain(&mut self, tag: &str, value: impl Display) {
        self.open(tag);
        let _ = write!(self.out, "{value}");
        self.close(tag);
    }

    /// Elements that are written already.
    pub(crate) fn raw(&mut self, elements: &str) {
        self.out.push_str(elements);
    }

    /// A list of items under `tag`.
    pub(crate) fn list<T>(
        &mut self,
        tag: &str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) {
        self.open(tag);
        for item in items {
            self.open("item");
            write(self, item);
            self.close("item");
        }
        self.close(tag);
    }

    /// Tags, as EC2 prints them.
    pub(crate) fn tags<'a>(&mut self, tags: impl IntoIterator<Item = (&'a String, &'a String)>) {
        self.list("tagSet", tags, |xml, (key, value)| {
            xml.leaf("key", key);
            xml.leaf("value", value);
        });
    }
}

/// Text with the characters escaped that XML does not bear.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    Cow::Owned(escaped)
}
