//! A database that is full refuses, says so, and loses nothing.

use ketenpoort::{client::ClientError, proto};
use prost::Message;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use crate::{
    served::{Served, expect},
    traffic::{Client, long_scenario, send, status},
};

const ZVH: &str = "zvh-baronie-breda";

/// Sends until the gateway refuses. Gives what was acknowledged, and what was refused.
async fn fill(
    served: &Served,
    zvh: &mut Client,
) -> (Vec<(proto::SendRequest, proto::Ontvangstbewijs)>, proto::SendRequest) {
    let mut acknowledged = Vec::new();
    for number in 0..500 {
        let request = long_scenario(number);
        match send(served, ZVH, zvh, &request).await {
            Ok(bewijs) => acknowledged.push((request, bewijs)),
            Err(ClientError::Refused(geweigerd)) => {
                assert_eq!(geweigerd.weigering, "niet_beschikbaar", "{geweigerd}");
                return (acknowledged, request);
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("1 MiB holds 500 scenario's of 45 KiB")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_answers_unavailable_and_loses_nothing() {
    let mut served = Served::prepare();
    served.configure("# grootste_mebibytes = 10240", "grootste_mebibytes = 1");
    served.serve();
    let mut zvh = served.client(ZVH).await;
    let (acknowledged, refused) = fill(&served, &mut zvh).await;
    assert!(acknowledged.len() > 10, "full after {} berichten", acknowledged.len());
    for _ in 0..3 {
        let status = zvh.send(refused.clone()).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    }
    for (_, bewijs) in &acknowledged {
        let found = status(&mut zvh, &bewijs.bericht).await;
        assert_eq!(found.ontvangers[0].log_index, bewijs.aanvaardingen[0].log_index);
    }
    expect(&served.logboek("verify", &[]), 0);
    drop(zvh);
    served.stop();

    served.configure("grootste_mebibytes = 1", "grootste_mebibytes = 64");
    served.serve();
    let mut zvh = served.client(ZVH).await;
    send(&served, ZVH, &mut zvh, &refused).await.unwrap();
    for (request, bewijs) in &acknowledged {
        let again = send(&served, ZVH, &mut zvh, request).await.unwrap();
        assert_eq!(again.encode_to_vec(), bewijs.encode_to_vec());
    }
    let found = expect(&served.logboek("search", &["--soort", "aanvaard"]), 0);
    assert_eq!(found.lines().count(), acknowledged.len() + 1);
}

/// Space comes back without a restart, as when an operator clears a disk: here a table that filled the file goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_was_full_goes_on_when_there_is_room_again() {
    let mut served = Served::start();
    // The schema is there; the rest of it comes with the next start.
    served.kill();
    on_the_database(&served, "CREATE TABLE vulling (x BLOB); INSERT INTO vulling VALUES (zeroblob(300000))").await;
    served.configure("# grootste_mebibytes = 10240", "grootste_mebibytes = 1");
    served.serve();
    let mut zvh = served.client(ZVH).await;
    let (acknowledged, refused) = fill(&served, &mut zvh).await;
    on_the_database(&served, "DROP TABLE vulling").await;

    send(&served, ZVH, &mut zvh, &refused).await.expect("there is room again, and nothing was damaged");
    let found = expect(&served.logboek("search", &["--soort", "aanvaard"]), 0);
    assert_eq!(found.lines().count(), acknowledged.len() + 1);
}

async fn on_the_database(served: &Served, sql: &'static str) {
    let mut connection = SqliteConnectOptions::new().filename(served.database()).connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
