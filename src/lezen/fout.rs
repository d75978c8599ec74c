//! Fout (mistake): the closed list of what can be wrong in a configuration or a document, each with a code that stays and a
//! sentence in Dutch and English that says what is wrong and what to do.

/// A closed list of things to tell, each with its code and its sentence in both languages.
macro_rules! closed_list {
    ($(#[$about:meta])* $list:ident {
        $($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* } = $code:literal, $nl:literal, $en:literal;)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $list {
            $($(#[$doc])* $name { $(#[doc = "What the sentence names."] $field: $kind),* },)*
        }

        impl $list {
            /// Code and sentences of each, for the documentation and its test.
            pub const TABLE: &'static [(&'static str, &'static str, &'static str)] = &[$(($code, $nl, $en),)*];

            /// The code, `lower_snake`.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)* }
            }

            /// What is wrong and what to do, in Dutch.
            #[must_use]
            #[allow(unused_variables, reason = "some values are of one language only")]
            pub fn uitleg(&self) -> String {
                match self { $(Self::$name { $($field),* } => format!($nl),)* }
            }

            /// The same in English.
            #[must_use]
            #[allow(unused_variables, reason = "some values are of one language only")]
            pub fn explanation(&self) -> String {
                match self { $(Self::$name { $($field),* } => format!($en),)* }
            }
        }
    };
}
pub(crate) use closed_list;

closed_list! {
    /// What is wrong.
    Fout {
        /// A file cannot be opened or read.
        Onleesbaar { reden: String } = "onleesbaar",
            "niet te lezen: {reden}. Controleer pad en rechten.",
            "cannot be read: {reden}. Check path and permissions.";
        /// A file is larger than anything meaningful.
        TeGroot { kibibytes: u64 } = "te_groot",
            "het bestand is groter dan {kibibytes} KiB. Een convenant is leesbaar voor mensen: splits het, of controleer het pad.",
            "the file is larger than {kibibytes} KiB. A convenant is to be read by people: split it, or check the path.";
        /// More keys, tables and lists than anything meaningful has.
        TeVeelDelen { hoogstens: usize } = "te_veel_delen",
            "het bestand heeft meer dan {hoogstens} sleutels, tabellen en lijsten. Splits het, of controleer het pad.",
            "the file has more than {hoogstens} keys, tables and lists. Split it, or check the path.";
        /// Not TOML.
        GeenToml { reden: String } = "geen_toml",
            "geen geldige TOML: {reden}. Herstel de schrijfwijze op deze regel.",
            "not valid TOML: {reden}. Mend the notation on this line.";
        /// A key that must be there.
        Ontbreekt { sleutel: String, waarin: String } = "ontbreekt",
            "{sleutel} ontbreekt in {waarin}. Voeg het toe.",
            "{sleutel} is missing in {waarin}. Add it.";
        /// A value of another form.
        VerkeerdeVorm { sleutel: String, gevraagd: String, wanted: String } = "verkeerde_vorm",
            "{sleutel} moet {gevraagd} zijn",
            "{sleutel} must be {wanted}";
        /// A key that nobody asks for.
        OnbekendeSleutel { sleutel: String, waarin: String, bedoeld: String, meant: String } = "onbekende_sleutel",
            "onbekende sleutel {sleutel} in {waarin}; {bedoeld}",
            "unknown key {sleutel} in {waarin}; {meant}";
        /// A term that ends before it starts.
        TermijnOmgekeerd { waarvan: String } = "termijn_omgekeerd",
            "geldig_tot_en_met ligt voor geldig_van in {waarvan}. Verwissel of verbeter de dagen.",
            "geldig_tot_en_met lies before geldig_van in {waarvan}. Swap or mend the days.";
        /// Two with one name.
        Dubbel { wat: String, naam: String } = "dubbel",
            "{wat} {naam} staat er twee keer. Geef elk een eigen naam, of verwijder er een.",
            "{wat} {naam} is there twice. Give each a name of its own, or remove one.";
        /// A code in `aanvaard` that nothing can be done with.
        NietAanvaardbaar { code: String, kan: String } = "niet_aanvaardbaar",
            "{code} is niet te aanvaarden; hier kan: {kan}. Haal het weg en herstel wat de bevinding noemt.",
            "{code} cannot be accepted; possible here: {kan}. Remove it and mend what the finding names.";
        /// No rules at all.
        GeenRegels { } = "geen_regels",
            "het convenant heeft geen enkele [[regel]] en staat dus niets toe. Voeg een regel toe.",
            "the convenant has no [[regel]] at all and therefore allows nothing. Add a rule.";
        /// A partner that does not exist.
        OnbekendePartner { naam: String, bedoeld: String, meant: String } = "onbekende_partner",
            "{naam} is geen partner van deze poort; {bedoeld}",
            "{naam} is not a partner of this gateway; {meant}";
        /// A loket that does not exist.
        OnbekendLoket { partner: String, loket: String, bestaat: String } = "onbekend_loket",
            "{partner} heeft geen loket {loket}; er zijn: {bestaat}",
            "{partner} has no loket {loket}; there are: {bestaat}";
        /// Somebody sees logregels who is not of toezicht.
        ZietNiet { rol: String } = "ziet_niet",
            "ziet is voor rol fg en auditor, en dit is {rol}. Haal ziet weg, of geef toezicht een identiteit van zichzelf.",
            "ziet is for rol fg and auditor, and this is {rol}. Remove ziet, or give toezicht an identity of its own.";
        /// A loket for somebody who exchanges nothing.
        LoketNietVoorRol { rol: String } = "loket_niet_voor_rol",
            "loketten is voor rol partner, en dit is {rol}: die ziet of doet iets voor de hele partner. Haal loketten weg.",
            "loketten is for rol partner, and this is {rol}, who sees or does something for the whole partner. Remove loketten.";
        /// An auditor that may see nothing.
        ZietNiets { } = "ziet_niets",
            "een auditor ziet alleen wat ziet noemt, en hier staat niets. Noem partners in ziet, of \"*\" voor alles.",
            "an auditor sees only what ziet names, and there is nothing here. Name partners in ziet, or \"*\" for everything.";
        /// A closing without a referral, or a referral without a closing.
        SluitingHalf { heeft: String, mist: String } = "sluiting_half",
            "dit loket heeft {heeft} en geen {mist}; die twee horen bij elkaar. Voeg {mist} toe, of haal {heeft} weg.",
            "this loket has {heeft} and no {mist}; these two belong together. Add {mist}, or remove {heeft}.";
        /// A closed loket that refers to itself.
        VerwijstNaarZichzelf { loket: String } = "verwijst_naar_zichzelf",
            "loket {loket} sluit en verwijst naar zichzelf. Noem in verwijst_naar het loket dat zijn werk overneemt.",
            "loket {loket} closes and refers to itself. Name in verwijst_naar the loket that takes over its work.";
        /// A closed loket that refers to another that closes.
        VerwijstNaarGesloten { loket: String, naar: String } = "verwijst_naar_gesloten",
            "loket {loket} verwijst naar {naar}, en dat sluit zelf ook. Verwijs naar een loket dat open blijft.",
            "loket {loket} refers to {naar}, which closes as well. Refer to a loket that stays open.";
        /// A partner that did not sign.
        GeenPartij { partner: String } = "geen_partij",
            "{partner} is geen partij bij dit convenant. Zet {partner} in partijen als die het heeft ondertekend, of haal de regel weg.",
            "{partner} is no party to this convenant. Add {partner} to partijen when it has signed, or remove the rule.";
        /// A grondslag that is not in this convenant.
        OnbekendeGrondslag { grondslag: String, bestaat: String } = "onbekende_grondslag",
            "grondslag {grondslag} staat niet in dit convenant; er zijn: {bestaat}",
            "grondslag {grondslag} is not in this convenant; there are: {bestaat}";
        /// Confirmed and accepted at once.
        AanvaardOverbodig { grondslag: String } = "aanvaard_overbodig",
            "grondslag {grondslag} is bevestigd; aanvaard hoort bij te_bevestigen. Haal aanvaard weg.",
            "grondslag {grondslag} is confirmed; aanvaard belongs to te_bevestigen. Remove aanvaard.";
        /// No term, or two.
        HoudbaarheidKiezen { } = "houdbaarheid_kiezen",
            "geef houdbaarheid_maanden of houdbaarheid_dagen, een van de twee",
            "give houdbaarheid_maanden or houdbaarheid_dagen, one of the two";
        /// Zero, or a hundred years.
        HoudbaarheidBuitenBereik { sleutel: String, van: u64, tot: u64 } = "houdbaarheid_buiten_bereik",
            "{sleutel} moet een geheel getal van {van} tot en met {tot} zijn. Drie maanden is wat van elk bericht wordt gevraagd.",
            "{sleutel} must be a whole number from {van} to {tot}. Three months is what is asked of every bericht.";
        /// Another term than three months, without a reason.
        AfwijkingOntbreekt { } = "afwijking_ontbreekt",
            "deze houdbaarheid is niet drie maanden; zeg in afwijking waarom",
            "this houdbaarheid is not three months; say why in afwijking";
        /// A category where the content has none.
        CategoriePastNiet { berichtsoort: String } = "categorie_past_niet",
            "{berichtsoort} heeft geen categorie. Haal categorie weg; zij hoort bij melding_18b en bij_melding.",
            "{berichtsoort} has no categorie. Remove it; it belongs to melding_18b and bij_melding.";
        /// A rule for what needs none.
        VolgtOrigineel { berichtsoort: String } = "volgt_origineel",
            "{berichtsoort} heeft geen regel nodig: die volgt op een ander bericht en berust op de regel daarvan. Haal deze regel weg.",
            "{berichtsoort} needs no rule: it follows another bericht and rests on the rule of that one. Remove this rule.";
        /// A partner with the name of the gateway.
        NaamVanDePoort { naam: String } = "naam_van_de_poort",
            "{naam} is de naam waaronder de poort zelf stuurt. Geef de partner een andere naam.",
            "{naam} is the name under which the gateway itself sends. Give the partner another name.";
        /// Two rules of one convenant that say different things about one exchange.
        RegelsSprekenElkaarTegen { regel: String, andere: String, verschil: String } = "regels_spreken_elkaar_tegen",
            "regel {regel} en regel {andere} gaan over dezelfde uitwisseling en verschillen in {verschil}. Maak er een regel van, of grens ze af met loket, doelgroep of categorie.",
            "rule {regel} and rule {andere} speak of the same exchange and differ in {verschil}. Make them one rule, or tell them apart by loket, doelgroep or categorie.";
        /// Two convenanten that come in force together and say different things about one exchange.
        SamenVanKracht { convenant: String, andere: String, uitwisseling: String, verschil: String } = "samen_van_kracht",
            "convenant {convenant} en convenant {andere} komen tegelijk van kracht en gaan beide over {uitwisseling}: {verschil}. Zet boven in het convenant dat niet moet stempelen staat_achter = [\"naam van het andere\"], of haal de uitwisseling uit een van beide.",
            "convenant {convenant} and convenant {andere} come in force together and both speak of {uitwisseling}: {verschil}. Write staat_achter = [\"name of the other\"] at the top of the convenant that is not to stamp, or take the exchange out of one of them.";
        /// A convenant behind itself.
        StaatAchterZichzelf { } = "staat_achter_zichzelf",
            "staat_achter noemt dit convenant zelf. Noem daar alleen andere convenanten.",
            "staat_achter names this convenant itself. Name only other convenanten there.";
        /// Convenanten that stand behind each other.
        StaatAchterKring { kring: String } = "staat_achter_kring",
            "deze convenanten staan in een kring achter elkaar: {kring}. Haal bij een van hen staat_achter weg.",
            "these convenanten stand behind each other in a circle: {kring}. Remove staat_achter from one of them.";
        /// More than people can have meant.
        TeVeel { wat: String, meeste: usize } = "te_veel",
            "er zijn meer dan {meeste} {wat}. Een convenant is leesbaar voor mensen: verwijder wat niet nodig is, of splits wat bij elkaar staat.",
            "there are more than {meeste} {wat}. A convenant is to be read by people: remove what is not needed, or split what stands together.";
        /// All rules together allow more than can be judged in a moment.
        TeVeelStromen { meeste: usize } = "te_veel_stromen",
            "tot en met deze regel staan alle convenanten samen meer dan {meeste} stromen toe (afzender, ontvanger en grondslag). Noem in van, naar en grondslag alleen wie en wat nodig is.",
            "up to this rule all convenanten together allow more than {meeste} flows (sender, ontvanger and grondslag). Name in van, naar and grondslag only who and what is needed.";
        /// Too many rules on one exchange.
        TeVeelNaast { berichtsoort: String, van: String, naar: String, meeste: usize } = "te_veel_regels_naast_elkaar",
            "over {berichtsoort} van {van} naar {naar} gaan meer dan {meeste} regels van alle convenanten samen; niemand overziet welke geldt. Voeg regels samen.",
            "more than {meeste} rules of all convenanten together speak of {berichtsoort} from {van} to {naar}; nobody can see which one holds. Join rules.";
        /// A CA that is not configured.
        OnbekendeCa { naam: String } = "onbekende_ca",
            "er is geen [[ca]] met naam {naam} in ketenpoort.toml. Voeg haar toe of verbeter de naam.",
            "there is no [[ca]] named {naam} in ketenpoort.toml. Add it or mend the name.";
        /// An OIN of somebody else.
        OinVanAnder { partner: String } = "oin_van_ander",
            "deze OIN hoort niet bij partner {partner}. Zet haar bij oin van de partner, of verbeter haar.",
            "this OIN does not belong to partner {partner}. Add it to oin of the partner, or mend it.";
        /// A development certificate in production.
        Ontwikkelcertificaat { oin: String } = "ontwikkelcertificaat",
            "OIN {oin} is voor tests. Gebruik ontwikkelcertificaten alleen met serve --dev, nooit met echte gegevens.",
            "OIN {oin} is for tests. Use development certificates with serve --dev only, never with real data.";
        /// Two identities that one certificate could open.
        IdentiteitDubbelzinnig { oin: String, partner: String } = "identiteit_dubbelzinnig",
            "bij OIN {oin} past een certificaat ook op een andere [[identiteit]] (van {partner}); dan laat de poort het niet toe. Geef elk een eigen san.",
            "with OIN {oin} a certificate also fits another [[identiteit]] (of {partner}); the gateway then admits it to neither. Give each a san of its own.";
        /// One OIN at two partners.
        OinGedeeld { oin: String, partner: String } = "oin_gedeeld",
            "OIN {oin} staat ook bij partner {partner}. Het logboek noemt een partner bij zijn OIN: geef elke partner een eigen (sub-)OIN.",
            "OIN {oin} belongs to partner {partner} too. The logboek names a partner by its OIN: give each partner an OIN (or SubOIN) of its own.";
        /// Nobody could change anything any more.
        GeenBeheer { } = "geen_beheer",
            "er is geen [[identiteit]] met rol beheer: daarna kan niemand nog iets wijzigen. Voeg er een toe.",
            "there is no [[identiteit]] with rol beheer: nobody could change anything any more. Add one.";
        /// Nobody could agree with anything.
        GeenTweedeBeheer { } = "geen_tweede_beheer",
            "[wijzigen] vraagt instemming van een ander, en er is geen tweede [[identiteit]] met rol beheer: daarna kan niemand nog instemmen. Voeg er een toe, met een andere OIN, CA of san.",
            "[wijzigen] asks another to agree, and there is no second [[identiteit]] with rol beheer: nobody could agree any more. Add one, with another OIN, CA or san.";
        /// Who makes a change must be able to make the next.
        SluitBuiten { oin: String } = "sluit_buiten",
            "na deze wijziging geeft uw eigen certificaat (OIN {oin}) geen toegang meer tot beheer. Houd uw [[identiteit]] zoals zij is, of laat een andere beheerder haar wijzigen.",
            "after this change your own certificate (OIN {oin}) no longer opens beheer. Keep your [[identiteit]] as it is, or let another operator change it.";
        /// Several documents where one is asked, or none.
        EenDeelnemers { } = "een_deelnemers",
            "er moet precies een document met deelnemers zijn",
            "there must be exactly one document with deelnemers";
    }
}
