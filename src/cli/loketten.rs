//! `loketten`: whom one reaches where, and where to go instead of a loket that is closed.

use clap::Args;

use super::{
    Failure,
    partner::{CALL_DEADLINE, Who, with_deadline},
    print_line,
};
use crate::{grpc::codec::to_json, proto};

#[derive(Args)]
pub struct Loketten {
    #[command(flatten)]
    who: Who,
    /// Alleen de loketten van deze partner
    partner: Option<String>,
    /// Een JSON-object per loket
    #[arg(long)]
    json: bool,
}

impl Loketten {
    pub async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        let message = proto::ListLokettenRequest { partner: self.partner.unwrap_or_default() };
        let listed = client.list_loketten(with_deadline(message, CALL_DEADLINE)).await;
        let loketten = listed.map_err(|status| profile.failure(&status))?.into_inner().loketten;
        if self.json {
            return loketten.iter().try_for_each(|loket| print_line(&to_json(loket).to_string()));
        }
        table(&loketten).iter().try_for_each(|line| print_line(line))
    }
}

/// One line a loket below a heading, each column as wide as its longest text.
fn table(loketten: &[proto::Loket]) -> Vec<String> {
    let mut rows = vec![["LOKET", "TELEFOON", "FUNCTIE", "GESLOTEN"].map(str::to_owned)];
    rows.extend(loketten.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |[loket, telefoon, functie, gesloten]: &[String; 4]| {
        let [first, second, third] = widths;
        format!("{loket:<first$}  {telefoon:<second$}  {functie:<third$}  {gesloten}").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn row(loket: &proto::Loket) -> [String; 4] {
    let gesloten = loket.gesloten_vanaf.as_ref().zip(loket.verwijst_naar.as_ref());
    let gesloten =
        gesloten.map(|(vanaf, naar)| format!("vanaf {vanaf}; verwijst naar {}/{}", naar.partner, naar.loket));
    [
        format!("{}/{}", loket.partner, loket.loket),
        loket.telefoon.clone().unwrap_or_default(),
        loket.functie.clone().unwrap_or_default(),
        gesloten.unwrap_or_default(),
    ]
}
