//! A client of the gateway that hides nothing.

use std::time::Instant;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};

use crate::CLIENT_KEY;
use crate::answer::{Answer, StreamAnswer};
use crate::patience::PATIENCE;

/// A client of one gateway.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    /// For the gateway at `base`.
    ///
    /// # Panics
    /// No HTTP client can be made.
    pub fn new(base: String) -> Self {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .expect("an HTTP client");
        Self { http, base }
    }

    /// A chat request for `model`.
    pub async fn chat(&self, model: &str) -> Answer {
        self.post("/v1/chat/completions", &chat_body(model)).await
    }

    /// A streamed chat request for `model`.
    pub async fn chat_stream(&self, model: &str) -> StreamAnswer {
        let mut body = chat_body(model);
        body["stream"] = json!(true);
        self.post_stream("/v1/chat/completions", &body).await
    }

    /// A JSON request.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], body.to_string().into_bytes())
            .await
    }

    /// A GET request.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    /// Any request.
    ///
    /// # Panics
    /// No complete answer comes.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let started = Instant::now();
        let response = self
            .request(method, path, headers, body)
            .send()
            .await
            .expect("the gateway answers");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response
            .bytes()
            .await
            .expect("the answer is complete")
            .to_vec();
        Answer {
            status,
            headers,
            body,
            took: started.elapsed(),
        }
    }

    /// A request whose answer is taken chunk by chunk.
    ///
    /// # Panics
    /// No answer begins.
    pub async fn post_stream(&self, path: &str, body: &Value) -> StreamAnswer {
        let sent_at = Instant::now();
        let request = self.request(Method::POST, path, &[], body.to_string().into_bytes());
        let response = request.send().await.expect("the gateway answers");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut chunks = Vec::new();
        let mut broken = false;
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => chunks.push((sent_at.elapsed(), chunk.to_vec())),
                Err(_) => broken = true,
            }
        }
        StreamAnswer {
            status,
            headers,
            chunks,
            broken,
            sent_at,
        }
    }

    /// A request that the caller drives itself.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        {
            request = request.header("authorization", format!("Bearer {CLIENT_KEY}"));
        }
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            && !body.is_empty()
        {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body)
    }
}

/// The smallest chat request.
pub fn chat_body(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
}
