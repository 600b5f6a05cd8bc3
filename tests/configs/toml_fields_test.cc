#include "configs/toml_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "configs/files.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::configs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Sample {
  std::string name;
  int64_t count = 3;
  std::optional<int64_t> limit;
  double share = 0.5;
  bool on = false;
  std::vector<std::string> tags;
};

VisitFn Visit(Sample* sample) {
  return [sample](FieldVisitor& fields) {
    fields.Text("name", &sample->name);
    fields.Flag("on", &sample->on);
    fields.Texts("tags", &sample->tags);
    fields.Enter("sizes");
    fields.Integer("count", &sample->count, 1, 10);
    fields.Integer("limit", &sample->limit, 1, 10);
    fields.Number("share", &sample->share, 0, 1);
    fields.Leave();
  };
}

std::string ErrorOf(std::string_view text, const CheckFn& check = {}) {
  Sample sample;
  Status read = ReadTomlText(text, "f.toml", Visit(&sample), check);
  return read ? "" : read.error().context;
}

TEST(ReadTomlTest, ValuesArriveAndTheRestKeepsItsDefault) {
  Sample sample;
  ASSERT_TRUE(ReadTomlText("name = 'x'\ntags = ['a', 'b']\n[sizes]\ncount = 7\nshare = 1\n", "f", Visit(&sample), {}));
  EXPECT_EQ(sample.name, "x");
  EXPECT_EQ(sample.count, 7);
  EXPECT_EQ(sample.share, 1.0);
  EXPECT_FALSE(sample.limit);
  EXPECT_EQ(sample.tags, (std::vector<std::string>{"a", "b"}));
}

TEST(ReadTomlTest, ThreeMistakesAreThreeErrorsWithTheirLines) {
  EXPECT_EQ(ErrorOf("name = 5\n\n[sizes]\ncount = 11\nhue = 1\n"),
            "f.toml:1: name: expected a text, found an integer\n"
            "f.toml:4: sizes.count: out of range 1..10: 11\n"
            "f.toml:5: sizes.hue: unknown key");
}

TEST(ReadTomlTest, UnknownSectionAndWrongShapesAreNamed) {
  EXPECT_EQ(ErrorOf("[more]\nx = 1\n"), "f.toml:1: more: unknown key");
  EXPECT_EQ(ErrorOf("sizes = 3\n"), "f.toml:1: sizes: expected a section, found an integer");
  EXPECT_EQ(ErrorOf("tags = ['a', 1]\n"), "f.toml:1: tags: expected a list of texts, found an integer");
}

TEST(ReadTomlTest, DuplicateKeyAndBrokenSyntaxGiveTheLine) {
  EXPECT_THAT(ErrorOf("name = 'a'\nname = 'b'\n"), HasSubstr("f.toml:2:"));
  EXPECT_THAT(ErrorOf("\n\nname = \n"), HasSubstr("f.toml:3:"));
}

TEST(ReadTomlTest, ChecksOfTheWholeStandAtTheirKeyAndOnlyOnce) {
  auto check = [] { return std::vector<FieldProblem>{{"sizes.share", "does not fit"}, {"name", "is required"}}; };
  EXPECT_EQ(ErrorOf("name = 5\n[sizes]\nshare = 0.1\n", check),
            "f.toml:1: name: expected a text, found an integer\nf.toml:3: sizes.share: does not fit");
  EXPECT_EQ(ErrorOf("[sizes]\ncount = 1\n", check), "f.toml: name: is required\nf.toml:1: sizes.share: does not fit");
}

TEST(WriteTomlTest, WhatIsPrintedReadsBack) {
  Sample sample{"q\"uote\\", 4, 9, 0.25, true, {"x y"}};
  std::string text = WriteToml(Visit(&sample));
  Sample read;
  Status status = ReadTomlText(text, "f", Visit(&read), {});
  ASSERT_TRUE(status) << status.error().context << "\n" << text;
  EXPECT_EQ(WriteToml(Visit(&read)), text);
  EXPECT_EQ(read.name, sample.name);
  EXPECT_EQ(read.limit, 9);
}

std::string Source(const std::string& name) { return fakes::SourceDir() + "/" + name; }

TEST(ShippedFilesTest, AllAreInOrder) {
  auto daemon = ReadDaemonFile(Source("configs/passnetd.toml"));
  EXPECT_TRUE(daemon) << daemon.error().context;
  for (const char* name : {"configs/demo-campaign.toml", "configs/campaign-example.toml"}) {
    auto campaign = ReadCampaignFile(Source(name));
    ASSERT_TRUE(campaign) << campaign.error().context;
    EXPECT_EQ(KindOfFile(Source(name)).value(), FileKind::kCampaign);
  }
  EXPECT_EQ(KindOfFile(Source("configs/passnetd.toml")).value(), FileKind::kDaemon);
  EXPECT_THAT(ReadCampaignFile(Source("configs/demo-campaign.toml")).value().tasks.path, HasSubstr("/tasks"));
}

// Each test's process has a folder of its own: tests of this file run side by side.
class DaemonFileTest : public ::testing::Test {
 protected:
  std::string WriteDaemonFile(const std::string& text) {
    const std::string path = folder_.path() / "daemon-endpoints.toml";
    EXPECT_TRUE(WriteFileAtomic(path, text));
    return path;
  }

  fakes::TempFolder folder_{"daemon-file"};
};

// A token is wanted everywhere; where every address is listened on, nobody knows what clients write into Host.
TEST_F(DaemonFileTest, EveryAddressNeedsTheNamesThatClientsUse) {
  daemon::DaemonOptions options;
  for (const char* host : {"0.0.0.0", "::"}) {
    options.http.host = host;
    options.http.allowed_hosts = {};
    auto problems = Check(options);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0].key, "http.host");
    options.http.allowed_hosts = {"passnet.example:8760"};
    EXPECT_TRUE(Check(options).empty());
  }
}

TEST_F(DaemonFileTest, OriginsAreWrittenAsBrowsersDo) {
  daemon::DaemonOptions options;
  options.http.allowed_origins = {"https://board.example", "http://localhost:3000"};
  EXPECT_TRUE(Check(options).empty());
  for (const char* origin : {"*", "null", "", "board.example", "https://board.example/", "https://board.example:443"}) {
    options.http.allowed_origins = {origin};
    EXPECT_EQ(Check(options).size(), 1u) << origin;
  }
}

TEST_F(DaemonFileTest, EndpointsHaveLimitsOfTheirOwn) {
  const std::string head = "[endpoints.a]\nbase_url = 'https://a/v1'\n";
  auto options = ReadDaemonFile(WriteDaemonFile("[llm]\nrequests_per_minute = 500\n" + head +
                                                "requests_per_minute = 20\ntokens_per_minute = 40000\n"));
  ASSERT_TRUE(options) << options.error().context;
  EXPECT_EQ(options.value().llm.limits, (agent::RateLimits{500, std::nullopt}));
  EXPECT_EQ(options.value().endpoints[0].limits, (agent::RateLimits{20, 40000}));
  EXPECT_THAT(PrintDaemon(options.value()), HasSubstr("requests_per_minute = 20"));
  auto wrong = ReadDaemonFile(WriteDaemonFile(head + "requests_per_minute = 0\ntokens_per_minute = 'many'\n"));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().context, HasSubstr("daemon-endpoints.toml:3: endpoints.a.requests_per_minute: out of range"));
  EXPECT_THAT(wrong.error().context, HasSubstr("endpoints.a.tokens_per_minute: expected a number, found a"));
}

TEST_F(DaemonFileTest, RelativePathsStartAtItsFolder) {
  auto options = ReadDaemonFile(WriteDaemonFile("journal = 'j.db'\nhead_log = 'heads'\n[lane]\ncache_dir = 'cache'\nnvcc = 'nvcc'\n"
                                                "evaluator_binary = 'evaluator'\n[http]\nport_file = 'port'\n"
                                                "token_file = 'token'\n"));
  ASSERT_TRUE(options) << options.error().context;
  const auto& read = options.value();
  for (const std::string& path : {read.journal, read.head_log, read.lane.cache_dir, read.lane.nvcc,
                                  read.lane.evaluator_binary, read.http.port_file, read.http.token_file}) {
    EXPECT_THAT(path, testing::StartsWith(folder_.path().native() + "/"));
  }
}

TEST_F(DaemonFileTest, EndpointsAreSectionsByName) {
  auto options = ReadDaemonFile(WriteDaemonFile("[endpoints.openai]\nbase_url = 'https://api.openai.com/v1'\n"
                                                "api_key_env = 'OPENAI_API_KEY'\n"
                                                "[endpoints.lab]\nbase_url = 'https://10.0.0.5/v1'\nca_file = 'ca.pem'\n"));
  ASSERT_TRUE(options) << options.error().context;
  const auto& endpoints = options.value().endpoints;
  ASSERT_EQ(endpoints.size(), 2u);
  const bool lab_first = endpoints[0].name == "lab";
  const auto& lab = endpoints[lab_first ? 0 : 1];
  const auto& openai = endpoints[lab_first ? 1 : 0];
  EXPECT_EQ(openai.name, "openai");
  EXPECT_EQ(openai.api_key_env, "OPENAI_API_KEY");
  EXPECT_EQ(lab.ca_file, folder_.path() / "ca.pem") << "relative to the file's folder";
  const std::string printed = PrintDaemon(options.value());
  EXPECT_THAT(printed, HasSubstr("[endpoints.openai]\nbase_url = 'https://api.openai.com/v1'\n"));
  auto again = ReadDaemonFile(WriteDaemonFile(printed));
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(PrintDaemon(again.value()), printed);
}

TEST_F(DaemonFileTest, MistakesOfEndpointsHaveTheirLines) {
  auto options = ReadDaemonFile(WriteDaemonFile("[endpoints.a]\nbase_url = 'ftp://x'\napi_key_env = 'sk-123'\n"
                                                "[endpoints.b]\nurl = 'https://x'\n[endpoints.'c d']\n"
                                                "base_url = 'https://x'\n"));
  ASSERT_FALSE(options);
  const std::string& text = options.error().context;
  EXPECT_THAT(text, HasSubstr(":2: endpoints.a.base_url: a URL must start with"));
  EXPECT_THAT(text, HasSubstr(":3: endpoints.a.api_key_env: is no name of an environment variable"));
  EXPECT_THAT(text, HasSubstr(":4: endpoints.b.base_url: is missing"));
  EXPECT_THAT(text, HasSubstr(":5: endpoints.b.url: unknown key"));
  EXPECT_THAT(text, HasSubstr(":6: endpoints.c d: the name of an endpoint has letters"));
  EXPECT_THAT(text, Not(HasSubstr("sk-123"))) << "it may be the key itself";
  EXPECT_FALSE(ReadDaemonFile(WriteDaemonFile("[endpoints]\nopenai = 'https://x'\n")));
}

TEST_F(DaemonFileTest, SeveralLanesAreNamedByTheirCores) {
  daemon::DaemonOptions options;
  options.lane.timing_cores = {2, 3};
  EXPECT_TRUE(Check(options).empty());
  const std::string printed = PrintDaemon(options);
  EXPECT_THAT(printed, HasSubstr("timing_cores = [2, 3]"));
  options.lane.timing_cores = {2, 2};
  options.lane.timing_core = 1;
  auto problems = Check(options);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].key, "lane.timing_cores");
  EXPECT_THAT(problems[0].text, HasSubstr("lane.timing_core is given too"));
  EXPECT_THAT(problems[1].text, HasSubstr("names a core twice"));
}

TEST_F(DaemonFileTest, DeviceOfTheLaneIsOneThatCouldBe) {
  daemon::DaemonOptions options;
  for (const char* device : {"cpu", "cuda:0", "cuda:GPU-00112233-4455-6677-8899-aabbccddeeff"}) {
    options.lane.device = device;
    EXPECT_TRUE(Check(options).empty()) << device;
  }
  options.lane.timing_cores = {2, 3};
  auto problems = Check(options);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].key, "lane.timing_cores");
  EXPECT_THAT(problems[0].text, HasSubstr("a CUDA lane has one"));
  options.lane.timing_cores = {};
  options.lane.device = "gpu";
  problems = Check(options);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].key, "lane.device");
  EXPECT_THAT(problems[0].text, HasSubstr("expected cpu, cuda:N"));
}

TEST(CampaignFileTest, PrintedSpecReadsBackTheSame) {
  auto spec = ReadCampaignFile(Source("configs/campaign-example.toml"));
  ASSERT_TRUE(spec);
  std::string printed = PrintCampaign(spec.value());
  agent::CampaignSpec again;
  Status read = ReadTomlText(printed, "f", [&](FieldVisitor& fields) { VisitFields(fields, again); }, {});
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_EQ(ToJson(again), ToJson(spec.value()));
}

TEST(CampaignFileTest, WhatIsSaidBesideTheFileMayBeMissingInIt) {
  fakes::TempFolder folder("campaign-file");
  const std::string path = folder.path() / "half.toml";
  ASSERT_TRUE(WriteFileAtomic(path, "name = 'x'\n[rounds]\nlimit = 2\n"));
  EXPECT_FALSE(ReadCampaignFile(path));
  const auto spec = ReadCampaignFile(path, [](agent::CampaignSpec& beside) {
    beside.refine.sampling.model = "m";
    beside.endpoint.name = "lab";
    beside.tasks.bundled = true;
  });
  ASSERT_TRUE(spec) << spec.error().context;
  EXPECT_EQ(spec.value().refine.rounds.rounds, 2);
}

// As the README has it copied: to anywhere.
TEST(CampaignFileTest, ExampleNamesNothingThatLiesBesideIt) {
  const auto spec = ReadCampaignFile(Source("configs/campaign-example.toml"));
  ASSERT_TRUE(spec);
  EXPECT_TRUE(spec.value().tasks.bundled);
}

TEST(CampaignFileTest, EveryMistakeOfASpecIsReported) {
  fakes::TempFolder folder("campaign-file");
  const std::string path = folder.path() / "bad-campaign.toml";
  ASSERT_TRUE(WriteFileAtomic(path, "name = 'x'\n[endpoint]\nbase_url = 'ftp://x'\napi_key_env = 'HOME'\n[sampling]\n"
                                    "temperature = 3\n[budget]\ntotal_usd = 5\n[tasks]\npath='t'\n"));
  auto spec = ReadCampaignFile(path);
  ASSERT_FALSE(spec);
  const std::string& text = spec.error().context;
  EXPECT_THAT(text, HasSubstr(":3: endpoint.base_url: a URL must start with"));
  EXPECT_THAT(text, HasSubstr(":4: endpoint.api_key_env: "));
  EXPECT_THAT(text, HasSubstr(":6: sampling.temperature: out of range"));
  EXPECT_THAT(text, HasSubstr("sampling.model: is required"));
  EXPECT_THAT(text, HasSubstr(":8: budget.total_usd: needs prices"));
}

}  // namespace
}  // namespace passnet::configs
