// The machine's disk with faults on demand: an SQLite VFS named kName that hands everything to the default one, but for
// the writes, syncs and beginnings of reads that a test wants to fail.
// Threads: thread-safe. One a process; Heal() it in TearDown.
// Source: sqlite.org/vfs.html; SQLite's own test_vfs.c does the same.
#pragma once

#include <cstdint>
#include <string>

namespace passnet::trajectories {

class FaultVfs {
 public:
  static constexpr const char* kName = "passnet-fault";

  // Registers the VFS with SQLite, once.
  static FaultVfs& Get();

  // After `count` more writes the disk is full (SQLITE_FULL), until Heal().
  void FullAfterWrites(int64_t count);
  // The disk is full whenever this file is there, for every database of the process that names no VFS: for a program that
  // another one drives. Before any database is opened.
  void FullWhile(const std::string& file);
  // From now on the disk is read-only (EROFS), until Heal().
  void ReadOnly();
  // After `count` more syncs every fsync fails (SQLITE_IOERR_FSYNC), until Heal().
  void SyncsFailAfter(int64_t count);
  // After `count` more transactions have begun to read, each fails to (SQLITE_IOERR_SHMLOCK), until Heal(). A transaction
  // that writes begins with it too.
  void ReadsFailAfter(int64_t count);
  void Heal();

  int64_t writes() const;
  int64_t syncs() const;

 private:
  FaultVfs();
};

}  // namespace passnet::trajectories
