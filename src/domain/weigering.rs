//! Weigering (refusal): the closed list of reasons why the gateway does not do what was asked.
//!
//! A weigering is an expected outcome: a value that is logged and shown to the partner. Its code stands
//! in the logboek and its name in `UPPER_SNAKE` in the gRPC status; both are stable. The sentences say what is wrong and
//! what to do, never what was in the bericht.

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtreding {
    /// Path of the field, in proto names: `inhoud.betrokkenen[0].bsn`.
    pub veld: String,
    /// What is asked of it. Never its value.
    pub uitleg: String,
}

impl Overtreding {
    /// A field, and what is asked of it.
    pub fn new(veld: impl Into<String>, uitleg: impl Into<String>) -> Self {
        Self { veld: veld.into(), uitleg: uitleg.into() }
    }
}

/// What kind of answer a weigering is; `grpc::status` gives each its gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aard {
    /// The request itself is wrong: mend it.
    Ongeldig,
    /// No agreement allows this.
    Verboden,
    /// What is named does not exist, or not for you.
    Onbekend,
    /// Right in itself, not in this state.
    Toestand,
    /// Was used before.
    Bestaat,
    /// Too much: wait.
    Teveel,
    /// The gateway cannot do it now: repeat with the same `request_id`.
    Onbeschikbaar,
    /// There is no such method.
    GeenMethode,
    /// The client's time ran out.
    TeLaat,
}

macro_rules! weigeringen {
    ($($(#[$doc:meta])* $name:ident $(($data:ty))? = $code:literal, $aard:ident, $uitleg:literal;)*) => {
        /// Why the gateway refuses.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Weigering {
            $($(#[$doc])* $name $(($data))?,)*
        }

        impl Weigering {
            /// Code, kind and explanation of each, for the documentation and its test.
            pub const TABLE: &'static [(&'static str, Aard, &'static str)] = &[$(($code, Aard::$aard, $uitleg),)*];

            fn row(&self) -> (&'static str, Aard, &'static str) {
                match self {
                    $(weigeringen!(@pattern $name $($data)?) => ($code, Aard::$aard, $uitleg),)*
                }
            }
        }
    };
    (@pattern $name:ident $data:ty) => { Self::$name(_) };
    (@pattern $name:ident) => { Self::$name };
}

weigeringen! {
    /// Not a protobuf message of this method.
    Onleesbaar = "onleesbaar", Ongeldig,
        "Dit is geen leesbaar bericht van deze methode. Bouw het met de proto-bestanden van ketenpoort.v1.";
    /// A field or berichtsoort that this version does not know.
    OnbekendVeld = "onbekend_veld", Ongeldig,
        "Het bericht bevat een veld of berichtsoort die deze poort niet kent, en dat zou stil verloren gaan. Gebruik de proto-bestanden van deze versie.";
    /// Larger than the limit.
    TeGroot = "te_groot", Ongeldig,
        "Het bericht is groter dan de poort aanneemt. Verkort de inhoud.";
    /// One or more fields are wrong.
    OngeldigVeld(Vec<Overtreding>) = "ongeldig_veld", Ongeldig,
        "Een of meer velden zijn onjuist; elk staat hieronder met wat er gevraagd wordt. Verbeter ze en stuur opnieuw.";
    /// No `request_id`, or not a UUID.
    RequestIdOntbreekt = "request_id_ontbreekt", Ongeldig,
        "Het request_id ontbreekt of is geen UUID. Kies zelf een UUID, nieuw voor elk nieuw bericht, zodat herhalen veilig is.";
    /// The `request_id` was used for another bericht.
    RequestIdHergebruikt = "request_id_hergebruikt", Bestaat,
        "Dit request_id is eerder gebruikt voor een bericht met andere inhoud. Kies een nieuw request_id voor een nieuw bericht.";
    /// The certificate's role may not use this port.
    VerkeerdeRol = "verkeerde_rol", Verboden,
        "Op deze poort wisselen partners uit, en dit certificaat is van een FG, auditor of beheerder. Gebruik het certificaat van een partner.";
    /// The certificate does not open this loket.
    LoketNietVanU = "loket_niet_van_u", Verboden,
        "Uw certificaat opent dit loket niet. Gebruik een loket van uw eigen certificaat, of vraag beheer om toegang.";
    /// No such partner.
    PartnerOnbekend = "partner_onbekend", Ongeldig,
        "Een ontvanger is geen partner van deze poort. Controleer de naam van de partner.";
    /// No such loket at that partner.
    LoketOnbekend = "loket_onbekend", Ongeldig,
        "Een ontvanger heeft dit loket niet. Controleer de naam van het loket; zonder loket gaat een bericht naar algemeen.";
    /// No convenant allows this berichtsoort between these two.
    GeenRegel = "geen_regel", Verboden,
        "Geen convenant staat deze berichtsoort toe van dit loket naar een van deze ontvangers. Zie de regels van uw convenant.";
    /// A convenant allows it, but its term does not cover today.
    ConvenantNietVanKracht = "convenant_niet_van_kracht", Toestand,
        "Het convenant dat dit toestaat is vandaag niet van kracht. Neem contact op met de beheerder van het convenant.";
    /// The grondslag's own term does not cover today.
    GrondslagNietVanKracht = "grondslag_niet_van_kracht", Toestand,
        "De grondslag waarop dit berust is vandaag niet van kracht. Neem contact op met de beheerder van het convenant.";
    /// Several grondslagen are possible and none was chosen.
    GrondslagKiezen = "grondslag_kiezen", Ongeldig,
        "De regel laat een keuze tussen grondslagen. Noem er een in het veld grondslag.";
    /// The grondslag that was chosen is not among the rule's.
    GrondslagNietToegestaan = "grondslag_niet_toegestaan", Verboden,
        "De gekozen grondslag hoort niet bij de regel voor deze uitwisseling. Kies een grondslag van de regel, of laat het veld leeg.";
    /// The rules are for the other doelgroep.
    DoelgroepNietToegestaan = "doelgroep_niet_toegestaan", Verboden,
        "Deze uitwisseling is voor deze doelgroep (minderjarig of volwassen) niet toegestaan. Gebruik het loket en de regel voor de juiste doelgroep.";
    /// A partial date of birth leaves minor or adult open.
    DoelgroepOnbepaald = "doelgroep_onbepaald", Ongeldig,
        "Uit deze geboortedatum blijkt niet of de betrokkene minderjarig is, en de regel vraagt dat. Geef de volledige geboortedatum.";
    /// A BSN where the rule does not allow one.
    BsnNietToegestaan = "bsn_niet_toegestaan", Verboden,
        "Deze regel staat geen BSN toe. Laat het BSN weg.";
    /// The answer was needed before now.
    TermijnVerstreken = "termijn_verstreken", Ongeldig,
        "De termijn waarbinnen het antwoord nodig is, ligt in het verleden. Geef een moment in de toekomst.";
    /// By its rule the content lapsed before it was sent.
    HoudbaarheidVerstreken = "houdbaarheid_verstreken", Toestand,
        "Volgens de regel is deze inhoud al niet meer houdbaar. Toets de actualiteit en stuur met een recente peildatum.";
    /// A longer houdbaarheid than the rule gives was asked.
    HoudbaarheidTeLang = "houdbaarheid_te_lang", Ongeldig,
        "De gevraagde houdbaarheid is langer dan de regel geeft. Verkorten mag, verlengen niet; laat het veld leeg voor de termijn van de regel.";
    /// The berichtsoort answers another bericht and names none.
    AntwoordOntbreekt = "antwoord_ontbreekt", Ongeldig,
        "Deze berichtsoort is een antwoord. Noem in in_antwoord_op het bericht dat u beantwoordt.";
    /// What is answered was not received by you from this ontvanger.
    AntwoordNietVanU = "antwoord_niet_van_u", Onbekend,
        "Het bericht in in_antwoord_op is niet aan dit loket gestuurd, of niet door deze ontvanger. Antwoord vanaf het loket dat het verzoek kreeg, aan de afzender ervan.";
    /// What is answered is of another kind.
    AntwoordPastNiet = "antwoord_past_niet", Ongeldig,
        "Deze berichtsoort is geen antwoord op dat bericht. Kies de berichtsoort die bij het verzoek hoort.";
    /// Ask was called with something that nobody answers.
    GeenVerzoek = "geen_verzoek", Ongeldig,
        "Op deze berichtsoort wacht men niet. Gebruik Send; Ask is voor bekendheidscheck en contextinformatieverzoek.";
    /// No such bericht, or not yours.
    BerichtOnbekend = "bericht_onbekend", Onbekend,
        "Dit bericht bestaat niet, of is niet van of aan u. Controleer het bericht-id en het loket.";
    /// Confirmed before it was handed out.
    NietAfgeleverd = "niet_afgeleverd", Toestand,
        "Dit bericht is nog niet aan u afgeleverd. Haal het eerst op en bevestig daarna.";
    /// Its houdbaarheid has passed.
    Vervallen = "vervallen", Toestand,
        "De houdbaarheid van dit bericht is verstreken; de inhoud is voor niemand meer leesbaar. Vraag de afzender om actuele informatie.";
    /// Too many undelivered berichten at an ontvanger.
    PostvakVol = "postvak_vol", Teveel,
        "Het postvak van een ontvanger is vol. Probeer het later opnieuw met hetzelfde request_id, en bel de ontvanger als het dringend is.";
    /// The partner has too much under way.
    TeDruk = "te_druk", Teveel,
        "U heeft te veel tegelijk onderweg. Wacht op antwoorden en probeer het opnieuw met hetzelfde request_id.";
    /// The gateway cannot write its logboek, so it does nothing.
    NietBeschikbaar = "niet_beschikbaar", Onbeschikbaar,
        "De poort kan nu niets vastleggen en doet daarom niets. Probeer het opnieuw met hetzelfde request_id.";
    /// The client's deadline had passed.
    DeadlineVerstreken = "deadline_verstreken", TeLaat,
        "De deadline van deze aanroep is verstreken. Herhaal met hetzelfde request_id en een ruimere deadline; GetStatus zegt of het bericht is aanvaard.";
    /// No such method.
    MethodeOnbekend = "methode_onbekend", GeenMethode,
        "Deze methode bestaat niet. Gebruik de diensten van ketenpoort.v1.";
}

impl Weigering {
    /// One field that is wrong.
    pub fn veld(veld: impl Into<String>, uitleg: impl Into<String>) -> Self {
        Self::OngeldigVeld(vec![Overtreding::new(veld, uitleg)])
    }

    /// The code in the logboek, `lower_snake`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// What kind of answer it is.
    #[must_use]
    pub fn aard(&self) -> Aard {
        self.row().1
    }

    /// What is wrong and what to do, in Dutch.
    #[must_use]
    pub fn uitleg(&self) -> &'static str {
        self.row().2
    }

    /// The fields to blame, if any.
    #[must_use]
    pub fn overtredingen(&self) -> &[Overtreding] {
        match self {
            Self::OngeldigVeld(fields) => fields,
            _ => &[],
        }
    }
}
