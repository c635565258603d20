//! What is told of AWS's own words: on one line, cut short, and with nothing in it that a terminal would obey. What
//! answers may be a proxy or worse. Knows no SDK type, and gives no word a meaning.

/// Longer texts are cut: EC2 appends kilobytes of encoded detail to some refusals.
const MESSAGE_CHARS_MAX: usize = 300;
/// AWS's longest codes have some fifty characters.
const NAME_CHARS_MAX: usize = 100;

/// A code, and what is said with it. Never what AWS writes about a wrong signature: that text quotes the request's
/// headers, a session token included.
pub(super) fn told(code: &str, message: Option<&str>) -> String {
    let message = message.filter(|message| !message.is_empty() && !code.contains("Signature"));
    match message {
        Some(message) => format!("`{}`: {}", name(code), one_line(message)),
        None => format!("`{}`", name(code)),
    }
}

/// A code or a request id.
pub(super) fn name(text: &str) -> String {
    printable(text).take(NAME_CHARS_MAX).collect()
}

/// The first line of a message, without its full stop.
pub(super) fn one_line(text: &str) -> String {
    let line: String = printable(text.trim().lines().next().unwrap_or_default()).collect();
    let line = line.split("Encoded authorization failure message").next().unwrap_or_default();
    line.trim().trim_end_matches('.').chars().take(MESSAGE_CHARS_MAX).collect()
}

fn printable(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().map(|c| if c.is_control() { ' ' } else { c })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_one_short_line_without_control_characters() {
        assert_eq!(told("Code", Some(" Not so.\nMore. ")), "`Code`: Not so");
        assert_eq!(told("Code", None), "`Code`");
        assert_eq!(told("Co\u{1b}[31mde", Some("a\u{7}b\tc")), "`Co [31mde`: a b c");
        assert_eq!(told(&"x".repeat(1000), Some(&"y".repeat(1000))).len(), 100 + 300 + 4);
    }

    #[test]
    fn nothing_is_told_of_a_wrong_signature_nor_of_encoded_detail() {
        assert_eq!(
            told("SignatureDoesNotMatch", Some("x-amz-security-token:secret")),
            "`SignatureDoesNotMatch`"
        );
        let denied = told("UnauthorizedOperation", Some("No. Encoded authorization failure message: abc"));
        assert_eq!(denied, "`UnauthorizedOperation`: No");
        let split = told("Denied", Some("No. Encoded\u{19}authorization failure message: abc"));
        assert_eq!(split, "`Denied`: No", "whatever stands between the words");
    }
}
