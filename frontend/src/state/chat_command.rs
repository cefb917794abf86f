//! What a person types into the chat: a line, or a command that begins with a slash. Pure.

/// What is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say this.
    Say(String),
    /// Be known by another name.
    Nick(String),
    /// List who is here.
    Who,
    /// List the commands.
    Help,
    /// Take the lines off this page; the room keeps them.
    Clear,
    /// Link to a chart at this moment.
    Graph {
        /// The agent.
        agent: String,
        /// The metric, if one was named.
        metric: Option<String>,
    },
    /// Go to a room.
    Join(String),
    /// Leave this room.
    Leave,
    /// It cannot be done, because of this.
    Wrong(String),
}

/// What `/help` shows.
pub const HELP: &str = "/nick NAME: change your name · /me TEXT: say what you do · /who: who is here · /clear: empty this page · \
/graph AGENT [METRIC]: link to a chart at this moment · /join ROOM · /leave · //TEXT: say a line that begins with a slash · \
@NA and Tab: complete a name";

/// Reads what was typed.
#[must_use]
pub fn parse(typed: &str) -> Command {
    let typed = typed.trim();
    let Some(command) = typed.strip_prefix('/') else { return Command::Say(typed.to_owned()) };
    if command.starts_with('/') {
        return Command::Say(command.to_owned());
    }
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    let needs = |what: &str| Command::Wrong(format!("/{name} needs {what}"));
    match (name, rest) {
        ("nick", "") => needs("a name"),
        ("nick", new) => Command::Nick(new.to_owned()),
        ("me", "") => needs("a text"),
        ("me", deed) => Command::Say(format!("* {deed}")),
        ("who", _) => Command::Who,
        ("help", _) => Command::Help,
        ("clear", _) => Command::Clear,
        ("join", "") => needs("a room"),
        ("join", room) => Command::Join(room.to_owned()),
        ("leave", _) => Command::Leave,
        ("graph", "") => needs("an agent, and perhaps a metric"),
        ("graph", what) => match what.rsplit_once(char::is_whitespace) {
            Some((agent, metric)) => {
                Command::Graph { agent: agent.trim().to_owned(), metric: Some(metric.to_owned()) }
            }
            None => Command::Graph { agent: what.to_owned(), metric: None },
        },
        _ => Command::Wrong(format!("/{name} is no command; /help lists them, and //{name} says it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_commands() {
        let check = |typed: &str, expected: Command| assert_eq!(parse(typed), expected, "{typed:?}");
        check(" hello ", Command::Say("hello".to_owned()));
        check("//nick x", Command::Say("/nick x".to_owned()));
        check("/nick  ada l ", Command::Nick("ada l".to_owned()));
        check("/me waves", Command::Say("* waves".to_owned()));
        check("/who", Command::Who);
        check("/graph red mem", Command::Graph { agent: "red".to_owned(), metric: Some("mem".to_owned()) });
        check("/graph red", Command::Graph { agent: "red".to_owned(), metric: None });
        check(
            "/graph big red mem",
            Command::Graph { agent: "big red".to_owned(), metric: Some("mem".to_owned()) },
        );
        check("/nick", Command::Wrong("/nick needs a name".to_owned()));
        check(
            "/dance",
            Command::Wrong("/dance is no command; /help lists them, and //dance says it".to_owned()),
        );
    }
}
