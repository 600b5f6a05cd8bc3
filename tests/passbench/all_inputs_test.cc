// Every input of the real graphs, 2.2 GB of them, against the hashes of the original's.
#include "tests/passbench/input_oracle.h"

namespace passnet::passbench {
namespace {

TEST(AllInputsTest, EveryRealInputHasTheOriginalsBytes) {
  PASSNET_NEEDS_SHARED_DATA("passbench/INPUTS.tsv");
  size_t compared = 0;
  for (const auto& [path, hashes] : ReadInputOracle()) {
    auto graph = LoadGraph(fakes::SharedData("passbench/" + path), path);
    ASSERT_TRUE(graph.has_value()) << graph.error().context;
    compared += CheckInputs(*graph, hashes);
  }
  EXPECT_EQ(compared, 625u);
}

}  // namespace
}  // namespace passnet::passbench
