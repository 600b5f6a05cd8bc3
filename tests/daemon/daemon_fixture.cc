#include "tests/daemon/daemon_fixture.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "base/check.h"
#include "base/file.h"
#include "base/ids.h"
#include "base/token_file.h"
#include "tests/fakes/paths.h"

namespace passnet {
namespace {

constexpr int kWaitTries = 6000;  // of 10 ms: a minute, for two busy cores

void Rest() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

std::string WaitForFile(const std::filesystem::path& path, ChildProgram* program) {
  for (int i = 0; i < kWaitTries; ++i) {
    auto text = ReadFile(path, 100);
    if (text && !text.value().empty()) return text.value();
    if (program->Ended()) return "";
    Rest();
  }
  return "";
}

// RFC 7396, without removals.
void Merge(const Json& changes, Json* into) {
  for (const auto& [key, value] : changes.Members()) {
    if (value.is_object()) {
      Merge(value, &into->Member(key));
    } else {
      into->Set(key, value);
    }
  }
}

}  // namespace

Json Parsed(std::string_view text) {
  auto json = ParseJson(text);
  EXPECT_TRUE(json) << json.error().context;
  return json ? std::move(json).value() : Json();
}

DaemonFixture::DaemonFixture(const std::vector<std::string>& faults) {
  std::string port_file = (folder_ / "endpoint.port").native();
  std::vector<std::string> arguments = {"--conversations",
                                        fakes::SourceDir() + "/tests/daemon/recordings", "--port-file",
                                        port_file};
  arguments.insert(arguments.end(), faults.begin(), faults.end());
  endpoint_ = std::make_unique<ChildProgram>("passnet-recorded-llm", arguments, std::map<std::string, std::string>(),
                                             (folder_ / "endpoint.log").native());
  endpoint_port_ = WaitForFile(port_file, endpoint_.get());
  while (!endpoint_port_.empty() && endpoint_port_.back() == '\n') endpoint_port_.pop_back();
  CHECK(!endpoint_port_.empty());
}

DaemonFixture::~DaemonFixture() {
  daemon_.reset();
  endpoint_.reset();
}

bool DaemonFixture::Start(const std::map<std::string, std::string>& environment, const std::string& extra_config) {
  daemon_.reset();
  std::filesystem::path port_file = folder_ / "daemon.port";
  std::filesystem::remove(port_file);
  std::string config = "journal = 'journal.db'\nlog_level = 'info'\n[http]\nport = 0\nport_file = 'daemon.port'\n" +
                       extra_config;
  CHECK(WriteFileAtomic(folder_ / "daemon.toml", config));
  std::map<std::string, std::string> variables = environment;
  variables["XDG_RUNTIME_DIR"] = folder().native();  // the token is published there, not where the user's daemons do
  daemon_ = std::make_unique<ChildProgram>("fake_lane_daemon",
                                           std::vector<std::string>{(folder_ / "daemon.toml").native()}, variables,
                                           (folder_ / "daemon.log").native());
  std::string port = WaitForFile(port_file, daemon_.get());
  if (port.empty()) return false;
  port_ = std::stoi(port);
  auto client = cli::DaemonClient::Open("http://127.0.0.1:" + std::to_string(port_), token_file());
  CHECK(bool(client));
  client_ = std::move(client).value();
  return true;
}

std::string DaemonFixture::SpecJson(const std::string& changes) const {
  Json spec = {
      {"name", "test"},
      {"concurrency", 2},
      {"tasks",
       {{"path", fakes::SourceDir() + "/tasks"}, {"include", std::vector<std::string>{"rope", "swiglu"}}}},
      {"endpoint", {{"base_url", "http://127.0.0.1:" + endpoint_port_ + "/v1"}, {"api_key_env", ""}}},
      {"sampling", {{"model", "recorded"}}},
      {"rounds", {{"limit", 3}}},
      {"retry", {{"first_backoff_s", 0.01}}}};
  Merge(Parsed(changes), &spec);
  return spec.Dump();
}

std::string DaemonFixture::WaitForEnd(const std::string& campaign_id) {
  for (int i = 0; i < kWaitTries; ++i) {
    if (daemon_->Ended()) return "";
    auto shown = client_->Get("/v1/campaigns/" + campaign_id);
    if (shown) {
      std::string state = Parsed(shown.value())["state"].Text();
      if (state == "finished" || state == "failed" || state == "cancelled" || state == "paused") return state;
    }
    Rest();
  }
  return "";
}

std::string DaemonFixture::Token() const {
  auto token = ReadTokenFile(token_file());
  return token ? token.value().Reveal() : "";
}

std::string DaemonFixture::log() const {
  auto text = ReadFile(folder_ / "daemon.log", 1 << 24);
  return text ? text.value() : "";
}

}  // namespace passnet
