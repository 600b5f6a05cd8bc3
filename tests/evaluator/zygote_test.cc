#include "evaluator/lane/zygote.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "evaluator/lane/worker_process.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

// A checkout below /tmp was refused once: every child's own /tmp hid the worker and the Python environment.
TEST(ZygoteTest, WorkerBelowTmpIsSeenByItsChildrenAndNothingElseThere) {
  const fakes::TempFolder folder("zygote");
  const fakes::TempFolder other("zygote-beside");
  ASSERT_EQ(folder.path().native().rfind("/tmp/", 0), 0u) << "TMPDIR leads elsewhere";
  fs::permissions(folder.path(), fs::perms(0755));
  ZygoteOptions options;
  options.python = fakes::SourceDir() + "/.venv/bin/python";
  options.worker_dir = folder / "worker";
  options.other_cores = {0};
  fs::copy(fakes::BinaryDir() + "/lib/worker", options.worker_dir, fs::copy_options::recursive);
  const Deadline deadline = Deadline::After(std::chrono::minutes(1));
  auto zygote = Zygote::Start(options, deadline);
  ASSERT_TRUE(zygote.has_value()) << zygote.error().context;

  ForkSpec spec;
  spec.role = "task";
  spec.plan = "task";
  Json input = {{"name", "x"}, {"shape", std::vector<int>{2}}, {"dtype", "float32"}};
  spec.first_frame = Json{{"source", "import torch\nclass GraphModule(torch.nn.Module):\n    def forward(self, x):\n"
                                     "        return (torch.relu(x),)\n"},
                          {"module", "graph"},
                          {"inputs", std::vector<Json>{input}}}
                         .Dump();
  auto child = WorkerProcess::Fork(*zygote, spec, deadline);
  ASSERT_TRUE(child.has_value()) << child.error().context;
  auto description = (*child)->channel().ReceiveFrame(deadline, 1u << 20);
  ASSERT_TRUE(description.has_value()) << description.error().context;
  EXPECT_EQ(description->json.find("\"error\""), std::string::npos) << description->json;
  const std::string root = "/proc/" + std::to_string((*child)->pid()) + "/root";
  EXPECT_TRUE(fs::exists(root + options.worker_dir.native() + "/passnet_worker/zygote.py"));
  EXPECT_FALSE(fs::exists(root + other.path().native()));
}

}  // namespace
}  // namespace passnet::evaluator
