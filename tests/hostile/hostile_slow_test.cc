// Every specimen three times, with the screen and without it, the slow ones among them, and the bundled passes that are
// controls: what passes once by luck does not pass here.
#include "tests/fakes/paths.h"
#include "tests/hostile/suite.h"

namespace passnet::hostile {
namespace {

constexpr int kTimes = 3;

void Add(const Specimen& specimen, const std::string& ablate, std::vector<Case>* cases) {
  for (int time = 1; time <= kTimes; ++time) cases->push_back({specimen, ablate, time});
}

std::vector<Case> Hostile() {
  std::vector<Case> cases;
  for (const Specimen& specimen : Specimens("specimens")) {
    Add(specimen, "", &cases);
    Add(specimen, kTextLayers, &cases);
  }
  return cases;
}

// Passes of tests/fixtures that docs/threat_model.md names as controls; each is called like its task.
std::vector<Case> Honest() {
  std::vector<Case> cases;
  for (const Specimen& specimen : Specimens("honest")) Add(specimen, "", &cases);
  const std::filesystem::path source = fakes::SourceDir();
  for (const char* name : {"se_tail", "bias_gelu_layernorm", "attention_mask_build", "rope", "inplace_act"}) {
    Specimen bundled;
    bundled.name = std::string("bundled_") + name;
    bundled.row = "honest";
    bundled.folder = source / "tests/fixtures/passes" / name;
    bundled.task = source / "tasks" / name;
    bundled.expect = {"OK"};
    Add(bundled, "", &cases);
  }
  return cases;
}

class HostileTest : public Suite {};
class HonestTest : public Suite {};

TEST_P(HostileTest, EndsAsItsHeadSays) { Check(GetParam()); }
TEST_P(HonestTest, EndsOk) { Check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(ThreeTimes, HostileTest, testing::ValuesIn(Hostile()), CaseName);
INSTANTIATE_TEST_SUITE_P(ThreeTimes, HonestTest, testing::ValuesIn(Honest()), CaseName);

}  // namespace
}  // namespace passnet::hostile
