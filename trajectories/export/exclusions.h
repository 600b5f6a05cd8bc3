// What an export left out, by reason (docs/formats.md, "Left out") and by name.
// Threads: a value.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace passnet::trajectories {

struct Exclusions {
  std::map<std::string, std::vector<std::string>> trajectories;  // reason -> ids, each trajectory under one reason
  std::map<std::string, std::vector<std::string>> rows;          // reason -> ids of the rows' trajectories
  std::vector<std::pair<std::string, std::string>> unreadable;   // id -> what could not be read
};

}  // namespace passnet::trajectories
