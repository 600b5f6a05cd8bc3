#include "evaluator/lane/zygote.h"

#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

TEST(ZygoteTest, PythonBelowTmpIsRefusedByName) {
  ZygoteOptions options;
  options.python = "/tmp/checkout/.venv/bin/python";
  options.worker_dir = "/usr/lib/passnet";
  auto zygote = Zygote::Start(options, Deadline::After(std::chrono::seconds(5)));
  ASSERT_FALSE(zygote);
  EXPECT_EQ(zygote.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(zygote.error().context.find("/tmp/checkout/.venv lies below /tmp"), std::string::npos)
      << zygote.error().context;
}

}  // namespace
}  // namespace passnet::evaluator
