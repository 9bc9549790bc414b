//! Pools of connections, one per database, bounded over all of them together.

use super::connect::{self, Purpose, Reached};
use super::{Dsn, Error};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement, ToStatement};

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// How many connections may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Over all databases of this process, idle ones included. At least 1.
    pub total: usize,
    /// To one database. At least 1.
    pub per_dsn: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        PoolLimits { total: 32, per_dsn: 8 }
    }
}

/// How long [`Pools::get`] waits for somebody else to give a connection back.
const WAIT: Duration = Duration::from_secs(30);

/// A connection that was handed out longer ago than this is asked for a word before it is handed out again: the way to
/// the server may swallow everything, and whoever used it would wait for the end of its own patience.
const FRESH: Duration = Duration::from_secs(1);

/// How long that word may take.
const WORD: Duration = Duration::from_secs(5);

/// Connections to many databases. Cheap to clone; all clones share the bounds.
#[derive(Clone)]
pub struct Pools(Arc<Inner>);

struct Inner {
    limits: PoolLimits,
    total: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    gates: HashMap<Dsn, Arc<Semaphore>>,
    idle: HashMap<Dsn, Vec<Session>>,
    /// Callers that wait for the bound over all databases: while there are any, nothing is kept idle.
    waiting: usize,
}

/// A connection, its prepared statements, and its share of the bound.
struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
    /// A statement or a transaction was begun and not seen to end.
    unfinished: bool,
    reusable: bool,
    /// When it was handed out last.
    taken: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Session {
    async fn answers(&self) -> bool {
        self.taken.elapsed() < FRESH
            || matches!(tokio::time::timeout(WORD, self.client.check_connection()).await, Ok(Ok(())))
    }
}

impl Pools {
    /// Empty pools; connections are opened when asked for.
    pub fn new(limits: PoolLimits) -> Self {
        let limits = PoolLimits { total: limits.total.max(1), per_dsn: limits.per_dsn.max(1) };
        let total = Arc::new(Semaphore::new(limits.total));
        Pools(Arc::new(Inner { limits, total, state: Mutex::default() }))
    }

    /// A connection to `dsn`: an idle one, or a new one as soon as the bounds allow it. Waits 30 s at most for
    /// others to give theirs back; then it is a time-out.
    pub async fn get(&self, dsn: &Dsn) -> Result<Lease, Error> {
        let gate = {
            let mut state = self.0.lock();
            let limit = self.0.limits.per_dsn;
            state.gates.entry(dsn.clone()).or_insert_with(|| Arc::new(Semaphore::new(limit))).clone()
        };
        let full = || Error::timeout("all connections are in use").at(dsn.display());
        let turn = tokio::time::timeout(WAIT, gate.acquire_owned()).await.map_err(|_| full())?;
        let turn = turn.map_err(|_| full())?;
        if let Some(session) = self.0.take_idle(dsn) {
            if session.answers().await {
                return Ok(Lease::new(self.0.clone(), dsn.clone(), session, turn));
            }
            // Its neighbours went the same way.
            drop(session);
            self.0.lock().idle.remove(dsn);
        }
        let permit = match self.0.total.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                // Counted before idle ones are closed, under one lock: whoever returns a connection from now on
                // closes it instead of keeping it.
                let _waiting = Waiting::enter(&self.0);
                let permit = tokio::time::timeout(WAIT, self.0.total.clone().acquire_owned()).await;
                permit.map_err(|_| full())?.map_err(|_| full())?
            }
        };
        let client = connect::connect(dsn, Purpose::Work).await?;
        let session = Session {
            client,
            statements: HashMap::new(),
            unfinished: false,
            reusable: true,
            taken: Instant::now(),
            _permit: permit,
        };
        Ok(Lease::new(self.0.clone(), dsn.clone(), session, turn))
    }

    /// Connections open now, idle ones included.
    pub fn open(&self) -> usize {
        self.0.limits.total - self.0.total.available_permits()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn take_idle(&self, dsn: &Dsn) -> Option<Session> {
        let mut state = self.lock();
        let idle = state.idle.get_mut(dsn)?;
        while let Some(session) = idle.pop() {
            if !session.client.is_closed() {
                return Some(session);
            }
        }
        None
    }
    fn put_back(&self, dsn: &Dsn, session: Session) {
        let mut state = self.lock();
        if state.waiting == 0 {
            state.idle.entry(dsn.clone()).or_default().push(session);
        }
    }
}

struct Waiting<'a>(&'a Inner);

impl<'a> Waiting<'a> {
    fn enter(inner: &'a Inner) -> Self {
        let mut state = inner.lock();
        state.waiting += 1;
        state.idle.clear();
        Waiting(inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

/// A connection on loan. Given back on drop; closed instead when it broke, when a statement or a transaction on it
/// was left unfinished, or after [`Lease::close_on_drop`].
pub struct Lease {
    pools: Arc<Inner>,
    dsn: Dsn,
    // `None` only while dropping.
    session: Option<Box<Session>>,
    _turn: OwnedSemaphorePermit,
}

impl Lease {
    fn new(pools: Arc<Inner>, dsn: Dsn, mut session: Session, turn: OwnedSemaphorePermit) -> Self {
        session.taken = Instant::now();
        Lease { pools, dsn, session: Some(Box::new(session)), _turn: turn }
    }
    fn session(&self) -> &Session {
        self.session.as_ref().expect("a lease has its session until it is dropped")
    }
    fn session_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect("a lease has its session until it is dropped")
    }
    /// The database it is connected to.
    pub fn dsn(&self) -> &Dsn {
        &self.dsn
    }
    /// Runs `work` on the driver's client. When it is abandoned on the way, the connection is closed: whoever got
    /// it next would wait behind it. Transactions go through [`Lease::begin`].
    pub(super) async fn run<T>(&mut self, work: impl AsyncFnOnce(&Client) -> T) -> T {
        let session = self.session_mut();
        session.unfinished = true;
        let outcome = work(&session.client).await;
        session.unfinished = false;
        outcome
    }
    /// All rows of `statement`.
    pub(super) async fn query<S: ToStatement + ?Sized>(
        &mut self,
        statement: &S,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.run(async |client| client.query(statement, parameters).await).await
    }
    /// The one row of `statement`.
    pub(super) async fn query_one<S: ToStatement + ?Sized>(
        &mut self,
        statement: &S,
        parameters: Parameters<'_>,
    ) -> Result<Row, tokio_postgres::Error> {
        self.run(async |client| client.query_one(statement, parameters).await).await
    }
    /// The row of `statement`, if it has one.
    pub(super) async fn query_opt<S: ToStatement + ?Sized>(
        &mut self,
        statement: &S,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, tokio_postgres::Error> {
        self.run(async |client| client.query_opt(statement, parameters).await).await
    }
    /// The number of rows that `statement` changed.
    pub(super) async fn execute<S: ToStatement + ?Sized>(
        &mut self,
        statement: &S,
        parameters: Parameters<'_>,
    ) -> Result<u64, tokio_postgres::Error> {
        self.run(async |client| client.execute(statement, parameters).await).await
    }
    /// `sql`, prepared once per connection.
    pub(super) async fn prepared(&mut self, sql: &'static str) -> Result<Statement, Error> {
        let session = self.session_mut();
        if let Some(statement) = session.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.run(async |client| client.prepare(sql).await).await?;
        self.session_mut().statements.insert(sql, statement.clone());
        Ok(statement)
    }
    /// Begins a transaction (read committed). Dropped without a commit, it is rolled back and the connection
    /// is closed.
    pub async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let dsn = self.dsn.clone();
        let session = self.session_mut();
        session.unfinished = true;
        let inner =
            session.client.transaction().await.map_err(|error| Error::from(error).at(dsn.display()))?;
        let open = &mut session.unfinished;
        Ok(Transaction { inner, statements: &mut session.statements, open })
    }
    /// The connection is closed and not given back: for those that carry a session's advisory lock.
    pub fn close_on_drop(&mut self) {
        self.session_mut().reusable = false;
    }
    /// Takes [`Lease::close_on_drop`] back: the connection carries nothing any more.
    pub fn keep_on_drop(&mut self) {
        self.session_mut().reusable = true;
    }
    /// True when the server or the network ended the connection.
    pub fn is_closed(&self) -> bool {
        self.session().client.is_closed()
    }
    /// Asks the server who it is.
    pub async fn reached(&self) -> Result<Reached, Error> {
        connect::reached(&self.session().client, &self.dsn).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if session.unfinished && !session.client.is_closed() {
            // The work was abandoned: the server is told, so that it does not hold its locks until the
            // statement ends.
            let cancel = session.client.cancel_token();
            let ssl = self.dsn.ssl().clone();
            if let (Ok(runtime), Ok(connector)) =
                (tokio::runtime::Handle::try_current(), super::tls::connector(&ssl))
            {
                runtime.spawn(async move {
                    // Closing the connection ends the transaction in any case, only later.
                    let _ = cancel.cancel_query(connector).await;
                });
            }
            return;
        }
        if session.reusable && !session.client.is_closed() {
            self.pools.put_back(&self.dsn, *session);
        }
    }
}

/// A transaction on a [`Lease`].
pub struct Transaction<'a> {
    inner: tokio_postgres::Transaction<'a>,
    statements: &'a mut HashMap<&'static str, Statement>,
    open: &'a mut bool,
}

impl<'a> Transaction<'a> {
    /// The driver's transaction, for the SQL functions of this room.
    pub(super) fn raw(&self) -> &tokio_postgres::Transaction<'a> {
        &self.inner
    }
    /// `sql`, prepared once per connection.
    pub(super) async fn prepared(&mut self, sql: &'static str) -> Result<Statement, Error> {
        prepare(self.inner.client(), self.statements, sql).await
    }
    /// Commits. After an error of a lost connection the outcome is unknown.
    pub async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await?;
        *self.open = false;
        Ok(())
    }
    /// Rolls back and keeps the connection.
    pub async fn rollback(self) -> Result<(), Error> {
        self.inner.rollback().await?;
        *self.open = false;
        Ok(())
    }
}

async fn prepare(
    client: &Client,
    statements: &mut HashMap<&'static str, Statement>,
    sql: &'static str,
) -> Result<Statement, Error> {
    if let Some(statement) = statements.get(sql) {
        return Ok(statement.clone());
    }
    let statement = client.prepare(sql).await?;
    statements.insert(sql, statement.clone());
    Ok(statement)
}
