//! Where a line speaks to somebody: `@name`. Pure; the page and the terminal agree by it on who is called.

/// Whether a mention may begin behind this character: not in the midst of a word or of an address.
#[must_use]
pub fn may_begin_after(c: char) -> bool {
    !c.is_alphanumeric() && !matches!(c, '@' | '/' | '_')
}

/// The mention at the beginning of `text`: its length in bytes, and whether it is of `me`. One's own name counts as a
/// whole, whatever it consists of and in upper or lower case; of other names nothing is known here but words.
#[must_use]
pub fn mention(text: &str, me: &str) -> Option<(usize, bool)> {
    let rest = text.strip_prefix('@')?;
    let is_end = |n_bytes: usize| {
        rest.get(n_bytes..)
            .is_some_and(|after| after.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_'))
    };
    let own = rest.char_indices().map(|(i, c)| i + c.len_utf8()).take(me.chars().count()).last().unwrap_or(0);
    let is_me = !me.is_empty() && is_end(own) && rest[..own].to_lowercase() == me.to_lowercase();
    let word = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')).unwrap_or(rest.len());
    let n_bytes = 1 + if is_me { own } else { word };
    (1 < n_bytes).then_some((n_bytes, is_me))
}

/// Whether a line speaks to `me`.
#[must_use]
pub fn mentions(text: &str, me: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        text[..at].chars().next_back().is_none_or(may_begin_after)
            && mention(&text[at..], me).is_some_and(|(_, is_me)| is_me)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_a_whole_name_at_the_beginning_of_a_word() {
        let check = |text: &str, me: &str, expected: bool| {
            assert_eq!(mentions(text, me), expected, "{text:?} to {me:?}");
        };
        check("@ada look", "ada", true);
        check("look, @Ada!", "ada", true);
        check("(@ada)", "ada", true);
        check("@adam", "ada", false);
        check("@ada_l", "ada", false);
        check("ada", "ada", false);
        check("mail@ada", "ada", false);
        check("http://a.b/@ada", "ada", false);
        check("@ad @ada!", "ada", true);
        check("ping @Ada L", "ada l", true);
        check("ada l", "ada l", false);
        check("@x", "", false);
        check("@żółw", "ŻÓŁW", true);
    }
}
