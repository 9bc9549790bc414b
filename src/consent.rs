//! Consent: the only way to a write.
//!
//! Every adapter function that changes something takes a [`WriteToken`]; a token comes from a flag, from an
//! answered question, or from a command that is its own consent (`send`, `produce`, `consume`).

/// Proof that the operator agreed to a change. Has no public constructor but the ones below.
#[derive(Debug)]
pub struct WriteToken(());

impl WriteToken {
    /// Running `command` is itself the consent (`send`, `topics produce`, `consume`, `demo`).
    pub fn by_command(command: &'static str) -> Self {
        tracing::debug!(command, "consent by command");
        WriteToken(())
    }
    /// The operator answered the question put on the terminal; `None` when the answer was no.
    pub fn by_answer(yes: bool) -> Option<Self> {
        yes.then_some(WriteToken(()))
    }
}

/// What was said about consent on the command line, and whether somebody can be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsentFlags {
    /// `--yes` or `--execute`
    pub yes: bool,
    /// `--dry-run`
    pub dry_run: bool,
    /// both standard input and standard error are terminals, and `--no-input` was not given
    pub interactive: bool,
}

/// What follows after the plan was shown.
#[derive(Debug)]
pub enum Decision {
    /// Do it.
    Act(WriteToken),
    /// Ask `[y/N]`, then [`WriteToken::by_answer`].
    Ask,
    /// `--dry-run`: the plan was all that was wanted.
    Stop,
    /// Nobody agreed and nobody can be asked: change nothing, exit 6.
    Refuse,
}

/// Decides what a changing command does after it has shown its plan.
pub fn decide(flags: ConsentFlags) -> Decision {
    match flags {
        ConsentFlags { dry_run: true, .. } => Decision::Stop,
        ConsentFlags { yes: true, .. } => Decision::Act(WriteToken(())),
        ConsentFlags { interactive: true, .. } => Decision::Ask,
        _ => Decision::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_table() {
        let flags = |yes, dry_run, interactive| ConsentFlags { yes, dry_run, interactive };
        assert!(matches!(decide(flags(true, false, false)), Decision::Act(_)));
        assert!(matches!(decide(flags(true, false, true)), Decision::Act(_)));
        assert!(matches!(decide(flags(false, true, true)), Decision::Stop));
        assert!(matches!(decide(flags(false, false, true)), Decision::Ask));
        assert!(matches!(decide(flags(false, false, false)), Decision::Refuse));
        assert!(WriteToken::by_answer(false).is_none());
    }
}
