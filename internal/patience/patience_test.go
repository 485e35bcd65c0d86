package patience

import (
	"testing"
	"testing/synctest"
	"time"
)

// News wait from the first of them on, however often they change, and the next ones anew.
func TestNewsWaitOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		news := &News{}
		if wait := news.Keep("a"); wait != Hold {
			t.Errorf("the first news wait %v, want %v", wait, Hold)
		}
		time.Sleep(Hold - time.Second)
		if wait := news.Keep("a"); wait != time.Second {
			t.Errorf("news that changed wait %v, want the second that is left", wait)
		}
		if wait := news.Keep("b"); wait != Hold {
			t.Errorf("those of another resource wait %v, want %v", wait, Hold)
		}
		time.Sleep(time.Second)
		if wait := news.Keep("a"); wait > 0 {
			t.Errorf("after their time news wait %v more", wait)
		}
		news.Told("a")
		if wait := news.Keep("a"); wait != Hold {
			t.Errorf("the next news wait %v, want %v", wait, Hold)
		}
	})
}
