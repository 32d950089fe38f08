//! A question that many may want answered at once.

/// A question that is not asked again while its answer is awaited, but once more after that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Question {
    #[default]
    Idle,
    Asked,
    AskedAndDue,
}

impl Question {
    /// Says whether it is to be asked now.
    pub fn ask(&mut self) -> bool {
        let now = *self == Question::Idle;
        *self = if now { Question::Asked } else { Question::AskedAndDue };
        now
    }

    /// It has been answered; says whether it is due again.
    pub fn answered(&mut self) -> bool {
        std::mem::take(self) == Question::AskedAndDue
    }
}
