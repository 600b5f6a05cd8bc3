// Torch inside every jail of the chain: a filter or a missing path that breaks it would break every evaluation.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "sandbox/child.h"
#include "sandbox/plan.h"
#include "tests/fakes/paths.h"
#include "tests/sandbox/jail_fixture.h"

namespace passnet::sandbox {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

UniqueFd InMemory(const std::string& bytes) {
  UniqueFd memory(memfd_create("plan", MFD_CLOEXEC));
  EXPECT_EQ(write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return memory;
}

using TorchTest = JailTest;

TEST_F(TorchTest, CaptureAndEagerRunUnharmedInEveryChild) {
  const std::string source = fakes::SourceDir() + "/tests/sandbox";
  const std::string environment = fakes::SourceDir() + "/.venv";
  if (access((environment + "/bin/python").c_str(), X_OK) != 0) GTEST_SKIP() << environment << " is not set up";
  CandidateOptions options;
  options.readable = {"/usr", environment};
  options.cores = {0};
  TaskChildOptions task;
  task.bound = options.readable;
  const UniqueFd task_plan = InMemory(TaskChildPlan(task).value());
  const UniqueFd candidate_plan = InMemory(CandidatePlan(options).value());
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ChildSpec spec;
  spec.argv = {environment + "/bin/python", source + "/torch_zygote.py", TestcaseFolder() + "/apply_library.so", "10", "11"};
  spec.environment = {{"PATH", "/usr/bin"}, {"HOME", "/tmp"}, {"USER", "nobody"}, {"OMP_NUM_THREADS", "1"},
                      {"MKL_NUM_THREADS", "1"}, {"TORCHINDUCTOR_CACHE_DIR", "/tmp/passnet-inductor"}};
  spec.root = SystemRoot();
  spec.root.read_only.insert(spec.root.read_only.end(), {environment, source, TestcaseFolder()});
  spec.descriptors = {{writer.get(), 1}, {writer.get(), 2}, {task_plan.get(), 10}, {candidate_plan.get(), 11}};
  Result<std::unique_ptr<Child>> zygote = Child::Start(spec, Deadline::After(std::chrono::seconds(60)));
  ASSERT_TRUE(zygote.has_value()) << zygote.error().context;
  writer.Reset();
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(reader.get(), buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  EXPECT_TRUE((*zygote)->Wait(Deadline::After(std::chrono::seconds(60)))->Ok()) << text;
  EXPECT_THAT(text, HasSubstr("task captured=1"));
  EXPECT_THAT(text, HasSubstr("candidate pid=1 equal=True softmax=64"));
  EXPECT_THAT(text, HasSubstr("candidate fork: Operation not permitted"));
  EXPECT_THAT(text, HasSubstr("candidate write: Read-only file system"));
  EXPECT_THAT(text, HasSubstr("candidate tmp: worked"));
  EXPECT_THAT(text, HasSubstr("candidate affinity: Operation not permitted"));
  EXPECT_THAT(text, HasSubstr("candidate zygote's tmp: No such file or directory"));
  EXPECT_THAT(text, HasSubstr("candidate exit=0\ntask exit=0"));
  EXPECT_THAT(text, EndsWith("done\n"));
}

}  // namespace
}  // namespace passnet::sandbox
