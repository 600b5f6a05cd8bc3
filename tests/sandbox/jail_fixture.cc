#include "tests/sandbox/jail_fixture.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "sandbox/cgroup.h"
#include "sandbox/probe.h"
#include "tests/fakes/paths.h"

namespace passnet::sandbox {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::string TestcaseFolder() {
  if (const char* copied = std::getenv("PASSNET_TESTCASES"); copied != nullptr) return copied;
  return fakes::BinaryDir() + "/tests/sandbox/testcases";
}

RunSpec SpecFor(const std::string& name, const std::vector<std::string>& arguments) {
  RunSpec spec;
  spec.argv = {TestcaseFolder() + "/" + name};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.root = SystemRoot();
  spec.root.read_only.push_back(TestcaseFolder());
  spec.limits.wall = std::chrono::seconds(20);
  spec.limits.cpu = std::chrono::seconds(10);
  spec.limits.memory_bytes = 64ull << 20;
  spec.limits.processes = 24;
  return spec;
}

RunReport MustRun(const RunSpec& spec) {
  Result<RunReport> report = Run(spec, Deadline::After(std::chrono::seconds(60)));
  if (report.has_error()) {
    ADD_FAILURE() << ToString(report.error());
    return {};
  }
  EXPECT_NE(report->outcome.kind, OutcomeKind::kSetupFailed) << report->outcome.reason;
  return *report;
}

FolderBelowTmp::FolderBelowTmp() {
  CHECK(mkdtemp(path_.data()) != nullptr);
  for (const char* name : {"shown", "hidden"}) {
    fs::create_directory(*this / name);
    std::ofstream(*this / name + "/file") << "bytes";
    // For everybody, so that nothing but the jail is in the way.
    fs::permissions(*this / name, fs::perms::all);
    fs::permissions(*this / name + "/file", fs::perms::all);
  }
  fs::create_directory_symlink("shown", *this / "link");
}

FolderBelowTmp::~FolderBelowTmp() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<pid_t> Survivors() {
  std::vector<pid_t> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string program = fs::read_symlink(entry.path() / "exe", error).string();
    if (program.compare(0, TestcaseFolder().size(), TestcaseFolder()) == 0) found.push_back(std::stoi(name));
  }
  return found;
}

std::vector<std::string> LeftGroups(pid_t maker) {
  std::vector<std::string> left;
  std::error_code error;
  const std::string made_by = "-" + std::to_string(maker) + "-";
  for (auto it = fs::recursive_directory_iterator("/sys/fs/cgroup", error); it != fs::recursive_directory_iterator();
       it.increment(error)) {
    if (error) break;
    const std::string name = it->path().filename();
    if (name.compare(0, 8, "passnet-") == 0 && name.find(made_by) != std::string::npos) left.push_back(it->path());
  }
  return left;
}

void JailTest::SetUp() {
  static const std::string missing = Probe().Missing();
  if (!missing.empty()) GTEST_SKIP() << "this host cannot make jails: " << missing;
}

void JailTest::TearDown() {
  EXPECT_EQ(Survivors(), std::vector<pid_t>());
  EXPECT_EQ(LeftGroups(getpid()), std::vector<std::string>());
}

}  // namespace passnet::sandbox
