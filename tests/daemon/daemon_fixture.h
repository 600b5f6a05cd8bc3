// A folder with a store, the recorded endpoint and a daemon (with the fake lane) as child processes.
// Threads: main thread only. Owns: both processes, killed and reaped in the destructor, and the folder.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/daemon_client.h"
#include "tests/fakes/child_program.h"
#include "tests/fakes/temp_folder.h"

namespace passnet {

// What the API answered; a failure of the test when it is no JSON.
Json Parsed(std::string_view text);

using fakes::ChildProgram;

class DaemonFixture {
 public:
  // `faults` are switches of passnet-recorded-llm.
  explicit DaemonFixture(const std::vector<std::string>& faults = {});
  ~DaemonFixture();

  // Starts the daemon and waits until it answers or has ended; false when it has ended.
  bool Start(const std::map<std::string, std::string>& environment = {}, const std::string& extra_config = "");
  ChildProgram& daemon() { return *daemon_; }
  cli::DaemonClient& client() { return *client_; }
  int port() const { return port_; }

  // The spec of a campaign over the tasks rope and swiglu, as the API takes it.
  std::string SpecJson(const std::string& changes = "{}") const;
  // Until the campaign is in an end state or the daemon is gone; the state, or "".
  std::string WaitForEnd(const std::string& campaign_id);

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::string journal() const { return (folder_ / "journal.db").native(); }
  std::string token_file() const { return (folder_ / "journal.db.token").native(); }
  std::string Token() const;
  std::string endpoint_url() const { return "http://127.0.0.1:" + endpoint_port_ + "/v1"; }
  std::string log() const;

 private:
  const fakes::TempFolder folder_{"daemon"};
  std::unique_ptr<ChildProgram> endpoint_;
  std::string endpoint_port_;
  std::unique_ptr<ChildProgram> daemon_;
  std::unique_ptr<cli::DaemonClient> client_;
  int port_ = 0;
};

}  // namespace passnet
