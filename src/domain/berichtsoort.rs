//! The closed list of kinds of bericht.

use std::{fmt, str::FromStr};

/// What kind of bericht it is. How to add one stands in `ARCHITECTURE.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Berichtsoort {
    /// Is this person known?
    Bekendheidscheck,
    /// Yes, no, or not one person.
    Bekendheidsantwoord,
    /// Asks for the context of a suspect.
    Contextinformatieverzoek,
    /// The context of a suspect.
    Contextinformatie,
    /// What the partners propose, laid ready at ZSM.
    Scenario,
    /// What became of a scenario.
    Terugkoppeling,
    /// Risk of a serious offence by a detainee, art. 18b Pbw.
    Melding18b,
    /// Coming return of a convict.
    BijMelding,
    /// Asks a partner what it can add.
    Verrijkingsverzoek,
    /// What a partner adds.
    Verrijking,
    /// A case at ZSM for which criminal law alone is not enough.
    Buikpijnmelding,
    /// What a ZVH does with a buikpijnmelding.
    Buikpijnbesluit,
    /// The decision on a suspect known to a ZVH.
    Afdoeningsbericht,
    /// The return of a detainee.
    Reintegratiebericht,
    /// Registers a case with a ZVH.
    Aanmelding,
    /// What a ZVH decides on an aanmelding.
    Triagebesluit,
    /// Asks a ZVH to take up a case.
    Opschaling,
    /// Hands a case back.
    Afschaling,
    /// What was given by telephone, registered afterwards.
    MondelingeVerstrekking,
    /// An earlier bericht was wrong, or is disputed.
    Rectificatie,
    /// What an ontvanger did with a rectificatie.
    Rectificatiebevestiging,
    /// Asks an ontvanger to destroy its copy of a bericht that was withdrawn.
    Vernietigingsverzoek,
    /// Done, or why not.
    Vernietigingsbevestiging,
    /// A scenario lapses soon.
    Vervalwaarschuwing,
    /// A bericht has lapsed.
    Vervalmelding,
    /// The content of a bericht was damaged before it was delivered.
    Schademelding,
}

impl Berichtsoort {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::Bekendheidscheck,
        Self::Bekendheidsantwoord,
        Self::Contextinformatieverzoek,
        Self::Contextinformatie,
        Self::Scenario,
        Self::Terugkoppeling,
        Self::Melding18b,
        Self::BijMelding,
        Self::Verrijkingsverzoek,
        Self::Verrijking,
        Self::Buikpijnmelding,
        Self::Buikpijnbesluit,
        Self::Afdoeningsbericht,
        Self::Reintegratiebericht,
        Self::Aanmelding,
        Self::Triagebesluit,
        Self::Opschaling,
        Self::Afschaling,
        Self::MondelingeVerstrekking,
        Self::Rectificatie,
        Self::Rectificatiebevestiging,
        Self::Vernietigingsverzoek,
        Self::Vernietigingsbevestiging,
        Self::Vervalwaarschuwing,
        Self::Vervalmelding,
        Self::Schademelding,
    ];

    /// The name, the same in convenant, logboek and proto.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bekendheidscheck => "bekendheidscheck",
            Self::Bekendheidsantwoord => "bekendheidsantwoord",
            Self::Contextinformatieverzoek => "contextinformatieverzoek",
            Self::Contextinformatie => "contextinformatie",
            Self::Scenario => "scenario",
            Self::Terugkoppeling => "terugkoppeling",
            Self::Melding18b => "melding_18b",
            Self::BijMelding => "bij_melding",
            Self::Verrijkingsverzoek => "verrijkingsverzoek",
            Self::Verrijking => "verrijking",
            Self::Buikpijnmelding => "buikpijnmelding",
            Self::Buikpijnbesluit => "buikpijnbesluit",
            Self::Afdoeningsbericht => "afdoeningsbericht",
            Self::Reintegratiebericht => "reintegratiebericht",
            Self::Aanmelding => "aanmelding",
            Self::Triagebesluit => "triagebesluit",
            Self::Opschaling => "opschaling",
            Self::Afschaling => "afschaling",
            Self::MondelingeVerstrekking => "mondelinge_verstrekking",
            Self::Rectificatie => "rectificatie",
            Self::Rectificatiebevestiging => "rectificatiebevestiging",
            Self::Vernietigingsverzoek => "vernietigingsverzoek",
            Self::Vernietigingsbevestiging => "vernietigingsbevestiging",
            Self::Vervalwaarschuwing => "vervalwaarschuwing",
            Self::Vervalmelding => "vervalmelding",
            Self::Schademelding => "schademelding",
        }
    }

    /// The kind that this one answers.
    #[must_use]
    pub fn answers(self) -> Option<Self> {
        match self {
            Self::Bekendheidsantwoord => Some(Self::Bekendheidscheck),
            Self::Contextinformatie => Some(Self::Contextinformatieverzoek),
            Self::Terugkoppeling => Some(Self::Scenario),
            Self::Verrijking => Some(Self::Verrijkingsverzoek),
            Self::Buikpijnbesluit => Some(Self::Buikpijnmelding),
            Self::Triagebesluit => Some(Self::Aanmelding),
            Self::Afschaling => Some(Self::Opschaling),
            Self::Rectificatiebevestiging => Some(Self::Rectificatie),
            Self::Vernietigingsbevestiging => Some(Self::Vernietigingsverzoek),
            Self::Bekendheidscheck
            | Self::Contextinformatieverzoek
            | Self::Scenario
            | Self::Melding18b
            | Self::BijMelding
            | Self::Verrijkingsverzoek
            | Self::Buikpijnmelding
            | Self::Afdoeningsbericht
            | Self::Reintegratiebericht
            | Self::Aanmelding
            | Self::Opschaling
            | Self::MondelingeVerstrekking
            | Self::Rectificatie
            | Self::Vernietigingsverzoek
            | Self::Vervalwaarschuwing
            | Self::Vervalmelding
            | Self::Schademelding => None,
        }
    }

    /// Whether each ontvanger of what it answers may send it once only. A terugkoppeling may come more than once, because a
    /// scenario can be used more than once. What follows a bericht may come again, because what became of a copy, or of a
    /// rectificatie, can change.
    #[must_use]
    pub fn answers_once(self) -> bool {
        self.answers().is_some() && !self.follows() && self != Self::Terugkoppeling
    }

    /// Whether it can also stand without what it answers: a case can be handed back that was never taken up through the
    /// gateway.
    #[must_use]
    pub fn stands_alone(self) -> bool {
        self.answers().is_none() || self == Self::Afschaling
    }

    /// Whether it follows an earlier bericht and rests on the stamp of that one, not on a rule of its own: what somebody got
    /// must remain correctable and reclaimable when a convenant has lapsed (AVG art. 19).
    #[must_use]
    pub fn follows(self) -> bool {
        self.from_gateway()
            || matches!(self, Self::Rectificatie | Self::Rectificatiebevestiging | Self::Vernietigingsbevestiging)
    }

    /// Whether only the gateway makes it.
    #[must_use]
    pub fn from_gateway(self) -> bool {
        matches!(
            self,
            Self::Vernietigingsverzoek | Self::Vervalwaarschuwing | Self::Vervalmelding | Self::Schademelding
        )
    }

    /// Whether a later one can replace it (renewal): its content says when it was checked last.
    #[must_use]
    pub fn is_renewable(self) -> bool {
        self == Self::Scenario
    }

    /// Whether its content names a category, which a rule can ask for.
    #[must_use]
    pub fn has_categorie(self) -> bool {
        matches!(self, Self::Melding18b | Self::BijMelding)
    }

    /// Whether each ontvanger is to answer it, once: a question, a case that is registered, taken up or felt uneasy about. What became of a
    /// scenario is told as often as that is used, and so it is watched apart.
    #[must_use]
    pub fn awaits_answer(self) -> bool {
        Self::ALL.iter().any(|of| of.answers() == Some(self) && of.answers_once() && !self.follows())
    }

    /// Whether `Ask` can wait for its answer.
    #[must_use]
    pub fn is_verzoek(self) -> bool {
        matches!(self, Self::Bekendheidscheck | Self::Contextinformatieverzoek | Self::Verrijkingsverzoek)
    }
}

impl fmt::Display for Berichtsoort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Berichtsoort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|soort| soort.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_or_registers_a_case_awaits_an_answer() {
        let awaiting: Vec<&str> =
            Berichtsoort::ALL.into_iter().filter(|soort| soort.awaits_answer()).map(Berichtsoort::as_str).collect();
        let expected = [
            "bekendheidscheck",
            "contextinformatieverzoek",
            "verrijkingsverzoek",
            "buikpijnmelding",
            "aanmelding",
            "opschaling",
        ];
        assert_eq!(awaiting, expected);
    }
}
