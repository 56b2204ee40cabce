//! An LwM2M server and a CoAP file server on one socket, for the module's client: one way to misbehave at a time.

use bc66_sim::coap::option::{
    ACCEPT, BLOCK2, CONTENT_FORMAT, ETAG, LOCATION_PATH, OBSERVE, SIZE2, URI_PATH, URI_QUERY,
};
use bc66_sim::coap::{BlockValue, MessageCode, MessageType, RawMessage};
use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Real time that anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(20);
/// Real time before a request is sent once more.
const RETRY: Duration = Duration::from_millis(60);

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Sound,
    /// Loses every n-th datagram of each direction.
    Loses(u32),
    /// Answers no file request from this block on.
    SilentFrom(u32),
    /// Gives another ETag from this block on.
    ChangesFrom(u32),
    /// Gives blocks of this exponent, whatever was asked for.
    Blocks(u8),
    /// Answers file requests with this code.
    Refuses(MessageCode),
    /// Acknowledges first and answers in a message of its own.
    Separate,
    /// Answers nothing at all.
    Silent,
    /// Resets everything.
    Resets,
    /// Knows no registration.
    Forgetful,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    file: Vec<u8>,
    client: Option<SocketAddr>,
    requests: Vec<(String, Vec<u8>)>,
    blocks: Vec<u32>,
    answers: VecDeque<RawMessage>,
    notes: VecDeque<RawMessage>,
    refuse_notes: bool,
    seen: [u32; 2],
    next_id: u16,
}

pub(crate) struct LwServer {
    pub port: u16,
    socket: UdpSocket,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl LwServer {
    pub(crate) fn start(file: Vec<u8>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("an address").port();
        let state = State {
            manner: Manner::Sound,
            file,
            client: None,
            requests: Vec::new(),
            blocks: Vec::new(),
            answers: VecDeque::new(),
            notes: VecDeque::new(),
            refuse_notes: false,
            seen: [0; 2],
            next_id: 0x4000,
        };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let (listening, there) = (socket.try_clone().expect("a socket"), Arc::clone(&shared));
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            loop {
                if let Ok((n, from)) = listening.recv_from(&mut buffer) {
                    let mut state = there.0.lock().expect("no panic");
                    if !state.loses(0) {
                        for reply in state.on_datagram(&buffer[..n], from) {
                            if !state.loses(1) {
                                let _ = listening.send_to(&reply.encode(), from);
                            }
                        }
                    }
                    there.1.notify_all();
                }
            }
        });
        Self { port, socket, shared }
    }

    pub(crate) fn uri(&self) -> String {
        format!("coap://127.0.0.1:{}/f/p.delta", self.port)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("no panic")
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.state().manner = manner;
    }

    pub(crate) fn refuse_notifications(&self) {
        self.state().refuse_notes = true;
    }

    /// The registration's requests since the last call: method, path and query, and the bytes.
    pub(crate) fn requests(&self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.state().requests)
    }

    /// The block numbers asked for since the last call.
    pub(crate) fn blocks(&self) -> Vec<u32> {
        std::mem::take(&mut self.state().blocks)
    }

    fn wait<T>(&self, limit: Duration, mut take: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.state();
        loop {
            if let Some(found) = take(&mut state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.shared.1.wait_timeout(state, left).expect("no panic").0;
        }
    }

    /// Waits for the next notification; its payload.
    pub(crate) fn note(&self) -> Option<String> {
        self.note_within(LIMIT)
            .map(|note| String::from_utf8_lossy(&note.payload).into_owned())
    }

    pub(crate) fn note_within(&self, limit: Duration) -> Option<RawMessage> {
        self.wait(limit, |state| state.notes.pop_front())
    }

    pub(crate) fn message(&self, code: MessageCode, path: &str) -> RawMessage {
        let mut state = self.state();
        state.next_id += 1;
        let id = state.next_id;
        let mut message = RawMessage::new(MessageType::Confirmable, code, id, &id.to_be_bytes());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            message.push(URI_PATH, segment);
        }
        message
    }

    /// Sends bytes to the module as they are.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let client = self.state().client.expect("a client has registered");
        self.socket.send_to(bytes, client).expect("the datagram leaves");
    }

    /// The next message that is neither a request nor a notification.
    pub(crate) fn reply(&self, limit: Duration) -> Option<RawMessage> {
        self.wait(limit, |state| state.answers.pop_front())
    }

    /// A request and its answer.
    pub(crate) fn ask(&self, request: &RawMessage) -> RawMessage {
        self.try_ask(request)
            .unwrap_or_else(|| panic!("no answer to {request:?}"))
    }

    fn try_ask(&self, request: &RawMessage) -> Option<RawMessage> {
        self.state().answers.clear();
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            self.send(&request.encode());
            let answer = self.wait(RETRY, |state| {
                let at = state
                    .answers
                    .iter()
                    .position(|answer| answer.token == request.token)?;
                state.answers.remove(at)
            });
            if answer.is_some() {
                return answer;
            }
        }
        None
    }

    /// Reads as text: code and payload.
    pub(crate) fn read(&self, path: &str) -> String {
        let mut request = self.message(MessageCode::GET, path);
        request.push_uint(ACCEPT, 0);
        shown(&self.ask(&request))
    }

    pub(crate) fn observe(&self, path: &str) -> RawMessage {
        let mut request = self.message(MessageCode::GET, path);
        request.push_uint(OBSERVE, 0);
        self.ask(&request)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> MessageCode {
        let mut request = self.message(MessageCode::PUT, path);
        request.push_uint(CONTENT_FORMAT, 0);
        request.payload = text.into();
        self.ask(&request).code
    }

    pub(crate) fn execute(&self, path: &str) -> MessageCode {
        self.ask(&self.message(MessageCode::POST, path)).code
    }

    /// `state result` of the firmware update object.
    pub(crate) fn firmware(&self) -> String {
        format!(
            "{} {}",
            self.read("/5/0/3").trim_start_matches("2.05 "),
            self.read("/5/0/5").trim_start_matches("2.05 ")
        )
    }
}

/// Code and payload.
pub(crate) fn shown(message: &RawMessage) -> String {
    format!("{} {}", message.code, String::from_utf8_lossy(&message.payload))
        .trim_end()
        .to_owned()
}

impl State {
    fn loses(&mut self, direction: usize) -> bool {
        let Manner::Loses(every) = self.manner else {
            return false;
        };
        self.seen[direction] += 1;
        self.seen[direction].is_multiple_of(every)
    }

    fn on_datagram(&mut self, bytes: &[u8], from: SocketAddr) -> Vec<RawMessage> {
        let message = RawMessage::decode(bytes).expect("the module sends sound messages");
        let empty = |kind| RawMessage::empty(kind, message.id);
        if message.code.is_request() {
            match self.manner {
                Manner::Silent => vec![],
                Manner::Resets => vec![empty(MessageType::Reset)],
                _ => self.on_request(&message, bytes, from),
            }
        } else if message.kind == MessageType::Confirmable && self.refuse_notes {
            vec![empty(MessageType::Reset)]
        } else if message.kind == MessageType::Confirmable {
            self.notes.push_back(message.clone());
            vec![empty(MessageType::Acknowledgement)]
        } else {
            self.answers.push_back(message);
            vec![]
        }
    }

    fn on_request(&mut self, request: &RawMessage, bytes: &[u8], from: SocketAddr) -> Vec<RawMessage> {
        let path = request.texts(URI_PATH).expect("UTF-8");
        let mut answer = RawMessage::new(
            MessageType::Acknowledgement,
            MessageCode::NOT_FOUND,
            request.id,
            &request.token,
        );
        if path.first() == Some(&"f") {
            self.serve_file(request, &mut answer);
            if answer.code == MessageCode::EMPTY {
                return vec![];
            }
        } else {
            let query = request.texts(URI_QUERY).expect("UTF-8").join("&");
            let entry = (
                format!("{} /{}?{query}", request.code, path.join("/")),
                bytes.to_vec(),
            );
            if self.requests.last() != Some(&entry) {
                self.requests.push(entry);
            }
            answer.code = match (request.code, path.as_slice()) {
                (MessageCode::POST, ["rd"]) => {
                    self.client = Some(from);
                    answer.push(LOCATION_PATH, "rd");
                    answer.push(LOCATION_PATH, "a1");
                    MessageCode::CREATED
                }
                _ if self.manner == Manner::Forgetful => MessageCode::NOT_FOUND,
                (MessageCode::POST, ["rd", "a1"]) => {
                    self.client = Some(from);
                    MessageCode::CHANGED
                }
                (MessageCode::DELETE, ["rd", "a1"]) => MessageCode::DELETED,
                _ => MessageCode::NOT_FOUND,
            };
        }
        if self.manner == Manner::Separate {
            self.next_id += 1;
            let separate = RawMessage {
                kind: MessageType::Confirmable,
                id: self.next_id,
                ..answer
            };
            return vec![
                RawMessage::empty(MessageType::Acknowledgement, request.id),
                separate,
            ];
        }
        vec![answer]
    }

    fn serve_file(&mut self, request: &RawMessage, answer: &mut RawMessage) {
        let mut block =
            BlockValue::decode(request.value(BLOCK2).expect("a block is asked for")).expect("sound");
        let offset = block.offset();
        if let Manner::Blocks(exponent) = self.manner {
            block.exponent = exponent;
            block.number = (offset / block.size()) as u32;
        }
        if self.blocks.last() != Some(&block.number) {
            self.blocks.push(block.number);
        }
        let etag = match self.manner {
            Manner::SilentFrom(from) if block.number >= from => {
                answer.code = MessageCode::EMPTY;
                return;
            }
            Manner::Refuses(code) => {
                answer.code = code;
                return;
            }
            Manner::ChangesFrom(from) if block.number >= from => b"2",
            _ => b"1",
        };
        let part = block.cut(&self.file).expect("inside the file");
        answer.code = MessageCode::CONTENT;
        answer.push(ETAG, etag);
        answer.push(BLOCK2, block.encode());
        if block.number == 0 {
            answer.push_uint(SIZE2, self.file.len() as u32);
        }
        answer.payload = part.to_vec();
    }
}
