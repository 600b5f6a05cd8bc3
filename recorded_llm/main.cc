// passnet-recorded-llm: an endpoint that replays recorded conversations (docs/recorded_llm.md).
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "command_line/command_line.h"
#include "command_line/exit_code.h"
#include "recorded_llm/server.h"

namespace passnet::recorded_llm {
namespace {

using command_line::Command;
using command_line::Integers;
using command_line::OneOf;
using command_line::Option;

constexpr const char* kName = "passnet-recorded-llm";

struct Arguments {
  std::string conversations;
  uint16_t port = 0;
  int64_t latency_ms = 0;
  size_t chunk_bytes = EndpointOptions{}.chunk_bytes;
  std::vector<std::string> faults;
  std::string port_file;
  std::string log_level = "info";
};

std::vector<Option> OptionsFor(Arguments* arguments) {
  return {
      {.name = "--conversations", .help = "folder with one folder for each conversation",
       .value = &arguments->conversations, .required = true},
      {.name = "--port", .help = "port on 127.0.0.1; 0 takes a free one", .value = &arguments->port,
       .show_default = true},
      {.name = "--latency-ms", .help = "wait before each answer", .value = &arguments->latency_ms, .show_default = true,
       .allowed = Integers{0, 600'000}},
      {.name = "--chunk-bytes", .help = "bytes of text in one event of a stream", .value = &arguments->chunk_bytes,
       .show_default = true, .allowed = Integers{1, 1 << 20}},
      {.name = "--fault",
       .help = "KIND:every=N or KIND:at=N, with KIND 429, 500, html, disconnect, truncate, stall or malformed; "
               "429 also takes retry_after=S; may be given several times",
       .value = &arguments->faults, .one_value_each = true},
      {"--port-file", "where to write the port once the server listens", &arguments->port_file},
      {.name = "--log-level", .help = "debug, info, warning or error", .value = &arguments->log_level,
       .show_default = true, .allowed = OneOf{{"debug", "info", "warning", "error"}}},
  };
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

int Serve(const Arguments& arguments) {
  log::SetLevelByName(arguments.log_level);
  auto server = OpenServer(arguments);
  if (!server) return command_line::Fail(kName, server.error());
  std::string port = std::to_string(server.value()->port());
  if (!arguments.port_file.empty()) {
    Status written = WriteFileAtomic(arguments.port_file, port + "\n");
    if (!written) return command_line::Fail(kName, written.error());
  }
  std::printf("http://127.0.0.1:%s/v1\n", port.c_str());
  std::fflush(stdout);
  server.value()->Run();
  return command_line::kExitDone;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  const Command program{.name = kName,
                        .help = "Replays recorded conversations as an endpoint that speaks as OpenAI's and Anthropic's.",
                        .options = OptionsFor(&arguments),
                        .run = [&arguments] { return Serve(arguments); }};
  return command_line::Main(program, nullptr, argc, argv);
}

}  // namespace
}  // namespace passnet::recorded_llm

int main(int argc, char** argv) { return passnet::recorded_llm::Main(argc, argv); }
