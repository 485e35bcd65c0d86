package patch

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// forbidden gives the first field that differs and may not.
func forbidden(before, after *unstructured.Unstructured) (string, bool) {
	path, found := differs(before.GetKind(), nil, before.Object, after.Object)
	return text(path), found
}

// differs walks both sides down to the first difference that is not allowed. Where a side has nothing, nil stands for it.
func differs(kind string, path []string, before, after any) ([]string, bool) {
	if reflect.DeepEqual(before, after) || isAllowed(kind, path) {
		return nil, false
	}
	beforeMap, beforeIsMap := before.(map[string]any)
	afterMap, afterIsMap := after.(map[string]any)
	// An object that comes or goes is looked at by its fields; one without fields may mean something too.
	if (beforeIsMap || before == nil) && (afterIsMap || after == nil) && len(beforeMap)+len(afterMap) > 0 {
		return inMaps(kind, path, beforeMap, afterMap)
	}
	beforeList, beforeIsList := before.([]any)
	afterList, afterIsList := after.([]any)
	if beforeIsList && afterIsList {
		return inLists(kind, path, beforeList, afterList)
	}
	return path, true
}

func inMaps(kind string, path []string, before, after map[string]any) ([]string, bool) {
	keys := slices.Sorted(maps.Keys(before))
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if _, both := before[key]; !both {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		_, was := before[key]
		_, is := after[key]
		if was != is && before[key] == nil && after[key] == nil && !isAllowed(kind, below(path, key)) {
			return below(path, key), true // a null that comes or goes
		}
		if found, differ := differs(kind, below(path, key), before[key], after[key]); differ {
			return found, true
		}
	}
	return nil, false
}

// inLists compares entry by entry: an entry that comes, goes or changes its place is a change of the list.
func inLists(kind string, path []string, before, after []any) ([]string, bool) {
	was, is := labels(before), labels(after)
	for _, new := range is {
		if !slices.Contains(was, new) {
			return below(path, new), true
		}
	}
	for i := range before {
		if i >= len(after) || was[i] != is[i] {
			return below(path, was[i]), true
		}
		if found, differ := differs(kind, below(path, was[i]), before[i], after[i]); differ {
			return found, true
		}
	}
	if len(after) > len(before) {
		return below(path, is[len(before)]), true
	}
	return nil, false
}

// labels are how the entries of a list are known: by their names, or by their places.
func labels(list []any) []string {
	known := make([]string, len(list))
	for i, entry := range list {
		known[i] = "[" + strconv.Itoa(i) + "]"
		if object, ok := entry.(map[string]any); ok {
			if name, ok := object["name"].(string); ok {
				known[i] = "[" + name + "]"
			}
		}
	}
	return known
}

func below(path []string, part string) []string { return slices.Concat(path, []string{part}) }

// text writes a path for people.
func text(path []string) string {
	return strings.ReplaceAll(strings.Join(path, "."), ".[", "[")
}
