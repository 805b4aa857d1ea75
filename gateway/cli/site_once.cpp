// Names of a site file that may be there once.
// Runs in: CLI.
#include <fmt/format.h>

#include "gateway/cli/site_reader.hpp"

namespace stowage::cli {

void SiteReader::add_pool(SitePool pool, int line) {
    if (const auto [first, is_new] = pool_lines_.emplace(pool.name, line); !is_new)
        return problems_.add(line, fmt::format("node pool {} is there twice, first in line {}; keep one",
                                               pool.name, first->second));
    for (const auto& other : site_.node_pools)
        if (!pool.label_key.empty() && other.label_key == pool.label_key &&
            other.label_value == pool.label_value)
            problems_.add(
                line, fmt::format("node pool {} has the label {}={}, as {} has in line {}: a node belongs to "
                                  "one pool; give each its own",
                                  pool.name, pool.label_key, pool.label_value, other.name,
                                  pool_lines_.at(other.name)));
    site_.node_pools.push_back(std::move(pool));
}

void SiteReader::add_compute(SiteCompute one, int line) {
    if (const auto [first, is_new] = compute_lines_.emplace(one.name, line); !is_new)
        return problems_.add(
            line, fmt::format("compute resource {} is there twice, first in line {}; keep one", one.name,
                              first->second));
    site_.compute_resources.push_back(std::move(one));
}

void SiteReader::check_project_name(const SiteProject& project, int line) {
    if (const auto [first, is_new] = project_lines_.emplace(project.name, line); !is_new)
        problems_.add(line, fmt::format("project {} is there twice, first in line {}; projects' names are "
                                        "unique in the cluster",
                                        project.name, first->second));
}

}  // namespace stowage::cli
