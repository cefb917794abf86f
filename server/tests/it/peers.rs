//! Starts the plain Python programs of `server/tests/peers`, which speak the protocols in their own few lines.
//!
//! `SIGNALBOX_PYTHON` names a Python 3 with pyzmq (`cargo xtask test` sets it); without it, `python3` on the PATH is
//! used. A peer that cannot start fails the test.
