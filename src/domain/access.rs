//! Who may do what, where a server is reached from other machines.

/// What an access key lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// See everything but what names the server's machine; change nothing.
    ReadOnly,
    /// Everything.
    Full,
}

impl Role {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::ReadOnly => "read-only",
            Role::Full => "full",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Role> {
        [Role::ReadOnly, Role::Full].into_iter().find(|role| role.as_str() == word)
    }
}

/// What an address needs of whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Nothing: style sheets and the page that asks for a key.
    NoKey,
    /// A key of any role.
    AnyKey,
    /// A key that lets its holder do everything.
    FullKey,
}

impl Needed {
    /// Whether a role is enough; `None`: whoever asks has no key.
    pub fn is_met_by(self, role: Option<Role>) -> bool {
        match self {
            Needed::NoKey => true,
            Needed::AnyKey => role.is_some(),
            Needed::FullKey => role == Some(Role::Full),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_meets_what_it_may() {
        let met = |needed: Needed| {
            [None, Some(Role::ReadOnly), Some(Role::Full)].map(|role| needed.is_met_by(role))
        };
        assert_eq!(met(Needed::NoKey), [true, true, true]);
        assert_eq!(met(Needed::AnyKey), [false, true, true]);
        assert_eq!(met(Needed::FullKey), [false, false, true]);
    }

    #[test]
    fn a_role_is_read_from_its_word() {
        for role in [Role::ReadOnly, Role::Full] {
            assert_eq!(Role::from_word(role.as_str()), Some(role));
        }
        assert_eq!(Role::from_word("admin"), None);
    }
}
