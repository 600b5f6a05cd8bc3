// passnet-recorded-llm: an OpenAI-compatible endpoint that replays recorded conversations (docs/recorded_llm.md).
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "recorded_llm/server.h"

namespace passnet::recorded_llm {
namespace {

constexpr int kExitUsage = 2;  // docs/contracts.md, "Exit codes"
constexpr int kExitInfrastructure = 3;

struct Arguments {
  std::string conversations;
  uint16_t port = 0;
  int64_t latency_ms = 0;
  size_t chunk_bytes = EndpointOptions{}.chunk_bytes;
  std::vector<std::string> faults;
  std::string port_file;
  std::string log_level = "info";
};

void AddOptions(CLI::App& app, Arguments* arguments) {
  app.add_option("--conversations", arguments->conversations, "folder with one folder for each conversation")
      ->required();
  app.add_option("--port", arguments->port, "port on 127.0.0.1; 0 takes a free one")->capture_default_str();
  app.add_option("--latency-ms", arguments->latency_ms, "wait before each answer")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  app.add_option("--chunk-bytes", arguments->chunk_bytes, "bytes of text in one event of a stream")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--fault", arguments->faults,
                 "KIND:every=N or KIND:at=N, with KIND 429, 500, html, disconnect, truncate, stall or malformed; "
                 "429 also takes retry_after=S; may be given several times")
      ->allow_extra_args(false);
  app.add_option("--port-file", arguments->port_file, "where to write the port once the server listens");
  app.add_option("--log-level", arguments->log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
}

int Fail(const Error& error) {
  std::fprintf(stderr, "passnet-recorded-llm: %s\n", error.context.c_str());
  bool usage = error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotFound;
  return usage ? kExitUsage : kExitInfrastructure;
}

Result<std::unique_ptr<Server>> OpenServer(const Arguments& arguments) {
  EndpointOptions options;
  options.chunk_bytes = arguments.chunk_bytes;
  for (const std::string& text : arguments.faults) {
    ASSIGN_OR_RETURN(FaultRule rule, ParseFault(text));
    options.faults.push_back(rule);
  }
  ASSIGN_OR_RETURN(Library library, Library::Load(arguments.conversations));
  ServerOptions server{arguments.port, Millis(arguments.latency_ms)};
  return Server::Open(server, Endpoint(std::move(library), std::move(options)));
}

int Main(int argc, char** argv) {
  CLI::App app("Replays recorded conversations as an OpenAI-compatible endpoint.", "passnet-recorded-llm");
  Arguments arguments;
  AddOptions(app, &arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  log::SetLevelByName(arguments.log_level);
  auto server = OpenServer(arguments);
  if (!server) return Fail(server.error());
  std::string port = std::to_string(server.value()->port());
  if (!arguments.port_file.empty()) {
    Status written = WriteFileAtomic(arguments.port_file, port + "\n");
    if (!written) return Fail(written.error());
  }
  std::printf("http://127.0.0.1:%s/v1\n", port.c_str());
  std::fflush(stdout);
  server.value()->Run();
  return 0;
}

}  // namespace
}  // namespace passnet::recorded_llm

int main(int argc, char** argv) { return passnet::recorded_llm::Main(argc, argv); }
