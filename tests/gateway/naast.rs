//! What gRPC has for any service, at each port for who may connect there: health, and reflection where it is allowed.

use jiff::SignedDuration;
use tonic::{Code, Status, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::{harness::TestGateway, health::until, klok::strict};

async fn asked(channel: Channel, service: &str) -> Result<ServingStatus, Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    Ok(HealthClient::new(channel).check(request).await?.into_inner().status())
}

async fn channel(gateway: &TestGateway, name: &str) -> Channel {
    gateway.profile(name).channel().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_port_tells_whether_it_serves_and_what_it_has() {
    let gateway = TestGateway::start_with(strict).await;
    for (name, own, other) in [
        ("zsm", "ExchangeService", "BeheerService"),
        ("fg-zsm", "ToezichtService", "ExchangeService"),
        ("beheer", "BeheerService", "ExchangeService"),
    ] {
        let channel = channel(&gateway, name).await;
        until("it serves", async || asked(channel.clone(), "").await.unwrap() == ServingStatus::Serving).await;
        let own = asked(channel.clone(), &format!("ketenpoort.v1.{own}")).await;
        assert_eq!(own.unwrap(), ServingStatus::Serving, "{name}");
        let other = asked(channel, &format!("ketenpoort.v1.{other}")).await.unwrap_err();
        assert_eq!(other.code(), Code::NotFound, "{name}");
    }
    // Who asks while the clock is doubted is answered, and hears that it does not serve.
    let zsm = channel(&gateway, "zsm").await;
    gateway.clock.step(SignedDuration::from_hours(-3));
    until("it does not serve", async || asked(zsm.clone(), "").await.unwrap() == ServingStatus::NotServing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_described_where_the_configuration_allows_it_and_nowhere_else() {
    let gateway = TestGateway::start_with(|config| config.grpc.reflectie = true).await;
    let list = async |name: &str| {
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new(channel(&gateway, name).await);
        client.server_reflection_info(tokio_stream::once(request)).await?.into_inner().message().await
    };
    let told = list("zsm").await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(told) = told else { panic!("{told:?}") };
    let names: Vec<&str> = told.service.iter().map(|of| of.name.as_str()).collect();
    assert!(names.contains(&"ketenpoort.v1.ExchangeService"), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("Beheer")), "{names:?}");
    assert_eq!(list("beheer").await.unwrap_err().code(), Code::Unimplemented);
}
