// What the sandbox's tests share: specs for the hostile programs, the wish for a host that can make jails, and the proof
// that nothing survives.
// Threads: tests run alone in their process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sandbox/run.h"

namespace passnet::sandbox {

// The folder of the built hostile programs, or the copy that PASSNET_TESTCASES names.
std::string TestcaseFolder();

// A spec that runs the hostile program `name` with `arguments`, short limits, its folder bound.
RunSpec SpecFor(const std::string& name, const std::vector<std::string>& arguments = {});

// Runs it; a report that says setup_failed or an Error fails the test.
RunReport MustRun(const RunSpec& spec);

// A folder in the host's /tmp, where people and CI systems put checkouts: "shown" and "hidden" with a file each, and
// "link" to "shown". Removed with the object.
class FolderBelowTmp {
 public:
  FolderBelowTmp();
  ~FolderBelowTmp();
  FolderBelowTmp(const FolderBelowTmp&) = delete;
  FolderBelowTmp& operator=(const FolderBelowTmp&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/passnet-jail-test-XXXXXX";
};

// Pids whose program file is one of the hostile ones. Empty right after a run: nothing survived.
std::vector<pid_t> Survivors();

// Control groups made by the process `maker` that are still there.
std::vector<std::string> LeftGroups(pid_t maker);

// Skips, with the probe's words, on a host that cannot make jails.
class JailTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
};

}  // namespace passnet::sandbox
