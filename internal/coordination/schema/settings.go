package schema

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
)

// Settings are what the environment of `migrate` says beside libpq's variables.
type Settings struct {
	Holder Holder
	// ExpectData: the database had data before, so an empty one is refused.
	ExpectData bool
}

// SettingsFromEnvironment reads CMHF_ODS_CODE, CMHF_SYNTHETIC and CMHF_EXPECT_DATA.
func SettingsFromEnvironment(getenv func(string) string) (Settings, error) {
	settings := Settings{Holder: Holder{ODSCode: getenv("CMHF_ODS_CODE")}}
	var errs []error
	if settings.Holder.ODSCode == "" {
		errs = append(errs, errors.New("CMHF_ODS_CODE: set it to the ODS code of the ICS whose records the database holds"))
	}
	for name, value := range map[string]*bool{"CMHF_SYNTHETIC": &settings.Holder.Synthetic, "CMHF_EXPECT_DATA": &settings.ExpectData} {
		var err error
		if *value, err = strconv.ParseBool(cmp.Or(getenv(name), "false")); err != nil {
			errs = append(errs, fmt.Errorf("%s: use true or false", name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Settings{}, fmt.Errorf("the environment is not complete:\n%w", err)
	}
	return settings, nil
}
