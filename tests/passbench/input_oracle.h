// INPUTS.tsv: the sha256 of every input as the original loader makes it, and the check of a graph against it.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "base/sha256.h"
#include "passbench/inputs.h"
#include "tests/fakes/shared_data.h"

namespace passnet::passbench {

// graph -> input -> sha256.
inline std::map<std::string, std::map<std::string, std::string>> ReadInputOracle() {
  std::map<std::string, std::map<std::string, std::string>> oracle;
  std::ifstream file(fakes::SharedData("passbench/INPUTS.tsv"));
  std::string line;
  std::getline(file, line);  // column names
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::string graph, input, dtype, shape, hash;
    std::getline(cells, graph, '\t');
    std::getline(cells, input, '\t');
    std::getline(cells, dtype, '\t');
    std::getline(cells, shape, '\t');
    std::getline(cells, hash, '\t');
    oracle[graph][input] = hash;
  }
  return oracle;
}

// Makes the graph's inputs and compares those that the oracle knows; the number of them.
inline size_t CheckInputs(const Graph& graph, const std::map<std::string, std::string>& hashes) {
  auto made = MakeInputs(graph, kPassBenchSeed);
  if (!made) {
    ADD_FAILURE() << made.error().context;
    return 0;
  }
  size_t compared = 0;
  for (const InputTensor& input : *made) {
    auto expected = hashes.find(input.name);
    if (expected == hashes.end()) continue;
    const std::string found = Sha256Hex({reinterpret_cast<const char*>(input.bytes.data()), input.bytes.size()});
    EXPECT_EQ(found, expected->second) << graph.path << " " << input.name;
    ++compared;
  }
  return compared;
}

}  // namespace passnet::passbench
