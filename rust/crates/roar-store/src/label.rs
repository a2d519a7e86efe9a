//! Changing what the user said of a job, and ending a session.

use rusqlite::params;

use crate::error::{Error, Result};
use crate::model::JobKey;
use crate::sql;
use crate::store::Store;

impl Store {
    /// Sets labels of a job, in place of others of the same keys, and takes others away.
    pub fn change_labels(&mut self, job: JobKey, set: &[(String, String)], removed: &[String]) -> Result<()> {
        let path = self.path.clone();
        let failed = |source| Error::sqlite(&path, source);
        let transaction = self.write()?;
        for key in removed {
            transaction.execute(sql::JOB_LABEL_DELETE, params![job.0, key]).map_err(failed)?;
        }
        for (key, value) in set {
            transaction.execute(sql::JOB_LABEL_SET, params![job.0, key, value]).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Ends the open session, so that the next job begins another. Returns whether one was open.
    pub fn end_session(&mut self, now_unix_ns: i64) -> Result<bool> {
        let path = self.path.clone();
        let failed = |source| Error::sqlite(&path, source);
        let transaction = self.write()?;
        let ended = transaction.execute(sql::SESSION_END, [now_unix_ns]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(ended > 0)
    }
}
